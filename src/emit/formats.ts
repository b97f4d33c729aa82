/** A package that a runtime loads, as listings, help and paths know it. */
export interface PackageFormat {
  id: string;
  description: string;
  /** How a path says that it is wanted. */
  extension: string;
  /** Who has not seen a package when it is written. */
  unverified: string[];
}

/** Facts only: help lists them without loading what makes packages. */
export const PACKAGES: readonly PackageFormat[] = [
  {
    id: 'mlpackage',
    description: 'Core ML ML Program for the Neural Engine, iOS 17 and 18',
    extension: '.mlpackage',
    unverified: [
      'Core ML and the Neural Engine: there is no Mac here, so nothing says that the package runs there, or where',
    ],
  },
];

/** The format that a path asks for by its ending; undefined for a plain model. */
export const packageFor = (path: string): PackageFormat | undefined =>
  PACKAGES.find((p) => path.replace(/[\\/]+$/, '').endsWith(p.extension));
