/** What the jobs of docs/writing-jobs.md do outside of Postgres, and how is not of interest there. */
export declare function resize(file: string): Promise<void>;
export declare function fetchPage(page: number): Promise<string[]>;
export declare function store(text: string): Promise<void>;
export declare function storeItems(answer: Response): Promise<string>;
export declare function reserve(seat: string, job: string): Promise<void>;
export declare function release(seat: string, job: string): Promise<void>;
export declare function partsOf(index: string): Promise<string[]>;
export declare function rebuild(part: string): Promise<void>;
export declare function charge(batch: string): Promise<void>;
