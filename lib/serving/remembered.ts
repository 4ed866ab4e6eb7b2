/**
 * Remembers what is made when it is first asked for. What fails is made anew for the next one who asks; those who wait for the same
 * all get its failure.
 */
export function rememberedUnlessFailed<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    if (made) return made;
    const current = make();
    made = current;
    current.catch(() => void (made = undefined));
    return current;
  };
}
