/** A program that has to run for a gadget to be built. */
export interface BuildStep {
  /** What it does, for error texts: `clang compile for amd64`. */
  name: string;
  /** The program and its arguments, without a shell. */
  command: readonly [program: string, ...args: string[]];
  /** Variables beside those that its place has. */
  environment: Readonly<Record<string, string>>;
  /** Names of the steps that have to be done before; all others may run at the same time. */
  after: readonly string[];
}

/** Folders by the names that they have where the steps run. */
export interface BuildPlaces {
  /** The gadget's sources, which steps run in. */
  source: string;
  /** Where they write to. */
  output: string;
  /** BTFHub's archive, if one was given. */
  btfhubArchive: string | undefined;
}

/** What a step did. */
export interface StepResult {
  /** Its exit status; 128 and the number of the signal that ended it. */
  status: number;
  /** What it wrote to stdout and stderr, as it came. */
  output: Uint8Array;
}

/** Where steps run: on this host, or in a container. */
export interface StepRunner extends AsyncDisposable {
  readonly places: BuildPlaces;
  /**
   * Runs a step to its end, whatever its status is.
   *
   * @throws {SatchelError} `program` if it cannot be started; `cancelled`
   */
  run(step: BuildStep, signal: AbortSignal): Promise<StepResult>;
}
