/** What the jobs of docs/graphs.md do outside of Postgres, and how is not of interest there. */
export declare function refsOf(url: string, from: number): AsyncIterable<string>;
export declare function copyRef(url: string, ref: string): Promise<void>;
export declare function runScript(script: string): Promise<void>;
export declare function readSteps(file: string): Promise<{ name: string; script: string; after: string[] }[]>;
