/** Three kinds of tests: beside the code (Node), inside workerd, and the whole path with real parts. */
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { TEST_SECRET } from './test/support/edge/tokens.ts';
import { summaryReporter } from './test/support/summary-reporter.ts';

export default defineConfig({
  test: {
    reporters: ['default', summaryReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          // A deadline is for what hangs: properties are slow on a busy machine, and that is no failure.
          testTimeout: 60_000,
          include: [
            'shared/**/*.test.ts',
            'client/**/*.test.ts',
            'aggregator/**/*.test.ts',
            'dev/**/*.test.ts',
            'demo/**/*.test.ts',
            'deploy/**/*.test.ts',
            'call/**/*.test.ts',
            'bench/**/*.test.ts',
            'test/oracle/**/*.test.ts',
          ],
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                ENVIRONMENT: 'development',
                BEACON_SECRET: TEST_SECRET,
                DEV_REGION_HEADER: 'on',
                NATS_URL: inject('natsUrl'),
              },
            },
          })),
        ],
        test: {
          name: 'worker',
          testTimeout: 60_000,
          include: ['worker/**/*.test.ts'],
          globalSetup: ['test/support/processes/nats-for-workerd.ts'],
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/oracle/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file runs whole processes; two at once on two cores would measure each other.
          fileParallelism: false,
        },
      },
    ],
  },
});
