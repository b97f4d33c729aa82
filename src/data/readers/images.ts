import { stat } from 'node:fs/promises';
import { onlyInput } from './single.js';
import type { Reader } from './types.js';

const EXTENSIONS = ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif'];

export const images: Reader = {
  id: 'images',
  description: `images (${EXTENSIONS.join(' ')}), upright by their EXIF orientation, one a sample`,
  accepts: (name) => EXTENSIONS.some((extension) => name.endsWith(extension)),
  async open(files, request) {
    const input = onlyInput(request, files[0].label);
    const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
    return {
      count: files.length,
      id: (row) => files[row].label,
      read: async (row) => ({ [input.name]: { image: files[row].path } }),
      key: files.map(({ label }, i) => `${label}:${sizes[i]}`),
      noun: 'image',
      close: async () => {},
    };
  },
};
