/**
 * The worker's log: one JSON object a line on the console, which is all that workerd has. Messages are
 * constant; data goes into fields. Never log a token, an address or a user agent.
 */

type Fields = { readonly [name: string]: unknown };

export type Log = { readonly [Level in 'info' | 'warn' | 'error']: (message: string, fields?: Fields) => void };

export const log: Log = { info: writer('info'), warn: writer('warn'), error: writer('error') };

function writer(level: keyof Log): Log[keyof Log] {
  return (message, fields) => {
    const line = JSON.stringify({ level, message, ...fields }, (_, value) =>
      value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value,
    );
    // biome-ignore lint/suspicious/noConsole: the one place that writes to it
    console[level](line);
  };
}
