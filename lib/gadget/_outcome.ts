import { SatchelError } from "../error.ts";

/**
 * What reading something hostile gave; `undefined` if it was refused, as what is invalid has to be.
 *
 * @throws whatever else was thrown
 */
export function unlessInvalid<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SatchelError && error.code === "invalid") return undefined;
    throw error;
  }
}
