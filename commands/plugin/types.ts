import { write } from "../../lib/terminal/streams.ts";
import { EXIT_OK } from "../output/exit.ts";
import { declarations } from "./starting_points.ts";

/** `satchel plugin types`: the contract as a module imports its types, of this version of satchel. */
export async function run(): Promise<number> {
  write("stdout", declarations());
  return EXIT_OK;
}
