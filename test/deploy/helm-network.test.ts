/** The chart's NetworkPolicy: whom it lets in and out, over every connection that somebody may try. */
import { beforeAll, expect, it } from 'vitest';
import { exampleValues, type KubernetesObject, render, theOne } from '../support/kubernetes/helm.ts';
import { matches } from '../support/kubernetes/pods.ts';
import { describeWith, tool } from '../support/needs.ts';

type Labels = Readonly<Record<string, string>>;
/** A pod in a namespace; one without labels is an address outside the cluster. */
type Party = { readonly namespace?: Labels; readonly pod?: Labels };
type Selector = { readonly matchLabels?: Labels };
type Peer = { readonly namespaceSelector?: Selector; readonly podSelector?: Selector; readonly ipBlock?: unknown };
type Port = { readonly port: number | string; readonly protocol: string };
type Rule = { readonly from?: readonly Peer[]; readonly to?: readonly Peer[]; readonly ports?: readonly Port[] };

const OWN = { 'kubernetes.io/metadata.name': 'monitoring-calls' };
const PROMETHEUS: Party = {
  namespace: { 'kubernetes.io/metadata.name': 'monitoring' },
  pod: { 'app.kubernetes.io/name': 'prometheus' },
};
const INGRESS: Party = { namespace: { 'kubernetes.io/metadata.name': 'ingress-nginx' }, pod: { app: 'nginx' } };
const DNS: Party = { namespace: { 'kubernetes.io/metadata.name': 'kube-system' }, pod: { 'k8s-app': 'kube-dns' } };
const AGGREGATOR: Party = {
  namespace: OWN,
  pod: {
    'app.kubernetes.io/name': 'edgepulse',
    'app.kubernetes.io/instance': 'calls',
    'app.kubernetes.io/component': 'aggregator',
  },
};
const NEIGHBOUR: Party = { namespace: OWN, pod: { app: 'neighbour' } };
const OUTSIDE: Party = {};

/** As the API's documentation says it: a rule without peers is for everybody, and a peer without a namespace for one's own. */
function allows(rules: readonly Rule[], party: Party, { port, protocol }: Port): boolean {
  return rules.some(({ from, to, ports }) => {
    const peers = from ?? to;
    const isPort = ports?.some((one) => one.port === port && one.protocol === protocol) ?? true;
    return isPort && (peers === undefined || peers.some((peer) => isPeer(peer, party)));
  });
}

function isPeer({ namespaceSelector, podSelector, ipBlock }: Peer, { namespace, pod }: Party): boolean {
  if (ipBlock !== undefined) return pod === undefined;
  if (pod === undefined || namespace === undefined) return false;
  return matches(namespaceSelector ?? { matchLabels: OWN }, namespace) && matches(podSelector ?? {}, pod);
}

const HTTP: Port = { port: 'http', protocol: 'TCP' };
const tcp = (port: number): Port => ({ port, protocol: 'TCP' });

await describeWith([tool('helm')], 'the NetworkPolicy', () => {
  let production: KubernetesObject['spec'];
  let smallest: KubernetesObject['spec'];

  beforeAll(async () => {
    production = theOne((await render(exampleValues('production'))).objects, 'NetworkPolicy').spec;
    smallest = theOne((await render(exampleValues('smallest'))).objects, 'NetworkPolicy').spec;
  });

  it('governs both directions', () => {
    expect(production.policyTypes).toEqual(['Ingress', 'Egress']);
  });

  it.each([
    ['Prometheus', PROMETHEUS, HTTP, true],
    ['the ingress', INGRESS, HTTP, true],
    ['another aggregator', AGGREGATOR, HTTP, true],
    ['a neighbour', NEIGHBOUR, HTTP, false],
    ['somebody else beside Prometheus', { ...PROMETHEUS, pod: { app: 'grafana' } }, HTTP, false],
    ['a Prometheus in another namespace', { ...PROMETHEUS, namespace: OWN }, HTTP, false],
    ['the world', OUTSIDE, HTTP, false],
    ['Prometheus, at another port', PROMETHEUS, tcp(9229), false],
  ])('in, from %s', (_, party, port, isAllowed) => {
    expect(allows(production.ingress, party, port)).toBe(isAllowed);
  });

  it.each([
    ['NATS outside the cluster', OUTSIDE, tcp(4222), true],
    ['DNS by UDP', DNS, { port: 53, protocol: 'UDP' }, true],
    ['DNS by TCP', DNS, tcp(53), true],
    ['another aggregator', AGGREGATOR, HTTP, true],
    ['another DNS server', OUTSIDE, { port: 53, protocol: 'UDP' }, false],
    ['the web', OUTSIDE, tcp(443), false],
    ['the API server', OUTSIDE, tcp(6443), false],
    ['a neighbour', NEIGHBOUR, HTTP, false],
  ])('out, to %s', (_, party, port, isAllowed) => {
    expect(allows(production.egress, party, port)).toBe(isAllowed);
  });

  it('one aggregator has no other to talk to', () => {
    expect(allows(smallest.ingress, AGGREGATOR, HTTP)).toBe(false);
    expect(allows(smallest.egress, AGGREGATOR, HTTP)).toBe(false);
    expect(allows(smallest.ingress, PROMETHEUS, HTTP)).toBe(true);
  });

  it('lets nobody in where nobody is named', async () => {
    const values = { ...exampleValues('smallest'), networkPolicy: { scrapeFrom: [], boardFrom: [] } };
    const { spec } = theOne((await render(values)).objects, 'NetworkPolicy');
    expect(spec.ingress).toEqual([]);
  });

  it.each([
    ['nats://a:4223, tls://b', [4223, 4222]],
    ['tls://user:4225@a:4224/', [4224]],
    ['nats://[::1]:4226', [4226]],
  ])('lets out to the ports of %s', async (url, ports) => {
    const { spec } = theOne(
      (await render({ ...exampleValues('smallest'), connection: { url } })).objects,
      'NetworkPolicy',
    );
    expect(spec.egress[1].ports.map(({ port }: Port) => port)).toEqual(ports);
  });

  it('takes natsTo for the servers, and natsPorts where a secret hides them', async () => {
    const natsTo = [{ podSelector: { matchLabels: { app: 'nats' } } }];
    const values = {
      ...exampleValues('own-secrets'),
      networkPolicy: { enabled: true, natsTo, natsPorts: [4443] },
    };
    const { spec } = theOne((await render(values)).objects, 'NetworkPolicy');
    expect(allows(spec.egress, { namespace: OWN, pod: { app: 'nats' } }, tcp(4443))).toBe(true);
    expect(allows(spec.egress, OUTSIDE, tcp(4443))).toBe(false);
    expect(allows(spec.egress, { namespace: OWN, pod: { app: 'nats' } }, tcp(4222))).toBe(false);
  });
});
