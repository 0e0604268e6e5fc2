/** The one web global that shared code uses; Node, workerd and browsers all have it (WHATWG URL). */
declare class URL {
  static canParse(url: string): boolean;
  constructor(url: string);
  readonly protocol: string;
  readonly host: string;
}
