/** The only web global that shared code uses: WHATWG URL, which Node, workerd and browsers all have. */
declare class URL {
  static canParse(url: string): boolean;
  constructor(url: string);
  readonly protocol: string;
  readonly host: string;
}
