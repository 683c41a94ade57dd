/** A launch of the space shuttle. */
export interface Launch {
  readonly flight: string;
  /** Of the joints of its boosters, degrees Fahrenheit. */
  readonly fahrenheit: number;
  /** Whether any O-ring of the field joints was found eroded or with blow-by afterwards. */
  readonly distress: 0 | 1;
}

/**
 * The launches before Challenger's last, without the one whose boosters were lost at sea. From the report of the
 * Presidential Commission on the Space Shuttle Challenger Accident, 1986, volume 1, chapter VI, a work of the US government
 * and so in the public domain; as analysed by Dalal, Fowlkes and Hoadley, "Risk Analysis of the Space Shuttle", Journal
 * of the American Statistical Association 84 (1989), 945-957.
 */
export const LAUNCHES: readonly Launch[] = (
  [
    ['STS-1', 66, 0],
    ['STS-2', 70, 1],
    ['STS-3', 69, 0],
    ['STS-5', 68, 0],
    ['STS-6', 67, 0],
    ['STS-7', 72, 0],
    ['STS-8', 73, 0],
    ['STS-9', 70, 0],
    ['STS 41-B', 57, 1],
    ['STS 41-C', 63, 1],
    ['STS 41-D', 70, 1],
    ['STS 41-G', 78, 0],
    ['STS 51-A', 67, 0],
    ['STS 51-C', 53, 1],
    ['STS 51-D', 67, 0],
    ['STS 51-B', 75, 0],
    ['STS 51-G', 70, 0],
    ['STS 51-F', 81, 0],
    ['STS 51-I', 76, 0],
    ['STS 51-J', 79, 0],
    ['STS 61-A', 75, 1],
    ['STS 61-B', 76, 0],
    ['STS 61-C', 58, 1],
  ] as const
).map(([flight, fahrenheit, distress]) => ({ flight, fahrenheit, distress }));

/** The temperature at which Challenger was launched. */
export const CHALLENGER = 31;
