/** The longest header that is looked into, in characters: longer ones are an attack, or not meant for us. */
export const MAX_HEADER_LENGTH = 16 * 1024;
