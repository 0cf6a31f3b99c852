// One line of a bill, and the units that the lines reckon in.

export type CostLine = {
  readonly what: string;
  readonly quantity: number;
  readonly unit: string;
  /** US dollars for one of the unit. */
  readonly price: number;
  /** US dollars a month. */
  readonly perMonth: number;
};

/** As AWS reckons it. */
export const hoursPerMonth = 730;
export const secondsPerMonth = hoursPerMonth * 3_600;
export const GB = 1e9;
export const millions = 1e6;

export function line(
  what: string,
  [quantity, unit, price]: [quantity: number, unit: string, price: number],
): CostLine {
  return { what, quantity, unit, price, perMonth: quantity * price };
}
