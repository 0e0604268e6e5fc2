/** Where each program comes from when it is missing. */
import type { Tool } from './tools.ts';

/** A Debian package, and where in it the program is. */
export type AptSource = {
  readonly package: string;
  readonly path: string;
  /**
   * `file`: the program runs by itself, and is copied out of the package. `tree`: it is unpacked together with all
   * packages that it depends on and the machine lacks. `install`: it needs the rest of the system's set-up, so apt
   * installs it; the others need no root, start no system service and are gone when the project's folder is.
   */
  readonly how: 'file' | 'tree' | 'install';
};

/** A command of a Go module, built from source. */
export type GoSource = {
  /** `module/path/of/command@version`: the binary has the name of the last folder. */
  readonly command: string;
};

/** An npm package that is a program of this platform. */
export type NpmSource = {
  /** `name@version` */
  readonly package: string;
  /** Where in it the program is. */
  readonly path: string;
};

/** The first one that this machine can use is used. */
export type Sources = {
  readonly apt?: AptSource;
  /** Arguments of `brew install`. */
  readonly brew?: readonly string[];
  readonly go?: GoSource;
  readonly npm?: NpmSource;
};

/** As npm's `node` chooses it. */
const NODE_PACKAGE = `${process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${process.platform}-${process.arch}`;

export const SOURCES: { readonly [tool in Tool]: Sources } = {
  'nats-server': {
    apt: { package: 'nats-server', path: 'usr/sbin/nats-server', how: 'file' },
    brew: ['nats-server'],
  },
  prometheus: { apt: { package: 'prometheus', path: 'usr/bin/prometheus', how: 'file' }, brew: ['prometheus'] },
  promtool: { apt: { package: 'prometheus', path: 'usr/bin/promtool', how: 'file' }, brew: ['prometheus'] },
  amtool: {
    apt: { package: 'prometheus-alertmanager', path: 'usr/bin/amtool', how: 'file' },
    go: { command: 'github.com/prometheus/alertmanager/cmd/amtool@v0.34.2' },
  },
  chromium: { apt: { package: 'chromium', path: 'usr/bin/chromium', how: 'install' }, brew: ['--cask', 'chromium'] },
  janus: { apt: { package: 'janus', path: 'usr/bin/janus', how: 'tree' } },
  // Later versions have replace directives, which `go install` refuses.
  'livekit-server': { go: { command: 'github.com/livekit/livekit-server/cmd/server@v1.11.0' } },
  // The oldest Node that runs what `npm run build` makes.
  'node-22': { npm: { package: `${NODE_PACKAGE}@22.23.3`, path: 'bin/node' } },
  turnserver: { apt: { package: 'coturn', path: 'usr/bin/turnserver', how: 'tree' }, brew: ['coturn'] },
  helm: { brew: ['helm'], go: { command: 'helm.sh/helm/v3/cmd/helm@v3.22.0' } },
  kubeconform: { brew: ['kubeconform'], go: { command: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0' } },
};

/** JSON schemas of Kubernetes' own objects, from PyPI: of the oldest version that the Helm chart supports, and of the newest. */
export const KUBERNETES_SCHEMAS = {
  requirement: 'kubernetes-validate==1.37.0',
  versions: ['1.27.0', '1.37.0'],
} as const;
