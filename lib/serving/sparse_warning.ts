/** What is said of images that are there for some of their platforms alone. */
export function sparseWarning(count: number, place: string): string {
  const images = count === 1 ? "1 image is" : `${count} images are`;
  return `${images} in ${place} for some platforms only: whoever pulls all platforms of one is told that something is not there`;
}
