/** What stands before the name of a plugin that the program brings along: `builtin:NAME`. */
export const BUILTIN = "builtin:";

/** What the file name of an executable begins with: `satchel-NAME`. */
export const EXECUTABLE_PREFIX = "satchel-";

/** The rule for names of plugins and of their commands, as the end of "it has to be ...". */
export const NAME_RULE = "small letters, digits and dashes, at most 64, beginning with a letter";

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** Whether something can be the name of a plugin or of a command, by {@link NAME_RULE}. */
export function isPluginName(text: string): boolean {
  return NAME.test(text);
}

/** The name by which `satchel NAME` leads to a file `satchel-NAME`; `undefined` if none does. */
export function commandOfFile(fileName: string): string | undefined {
  if (!fileName.startsWith(EXECUTABLE_PREFIX)) return undefined;
  const name = fileName.slice(EXECUTABLE_PREFIX.length);
  return isPluginName(name) ? name : undefined;
}
