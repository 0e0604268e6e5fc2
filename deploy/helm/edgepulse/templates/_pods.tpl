{{- define "edgepulse.setLabels" -}}
edgepulse/region: {{ .region.name }}
edgepulse/shard: {{ .shardName }}
edgepulse/shards: {{ .count | quote }}
{{- end -}}

{{/* The environment of a set's aggregators. docs/ and the README of the repository say what each variable is. */}}
{{- define "edgepulse.env" -}}
{{- $values := .root.Values -}}
{{- $region := .set.region -}}
{{- $connection := $region.connection -}}
- name: REGION
  value: {{ join "," $region.consumes | quote }}
- name: SHARD
  value: {{ .set.shard | quote }}
- name: REGIONS
  value: {{ kindIs "string" (first $values.topology.regions) | ternary (join "," $values.topology.regions) (toJson $values.topology.regions) | quote }}
- name: SERVERS
  value: {{ toJson $values.topology.servers | quote }}
- name: LANES
  value: {{ $values.topology.lanes | int | quote }}
- name: SESSION_TTL_SECONDS
  value: {{ $values.topology.sessionTtlSeconds | int | quote }}
{{ include "edgepulse.urlEnv" (dict "name" "NATS_URL" "url" $connection.url "secret" $connection.urlSecret) }}
{{- if or $connection.fallbackUrl $connection.fallbackUrlSecret.name }}
{{ include "edgepulse.urlEnv" (dict "name" "NATS_FALLBACK_URL" "url" $connection.fallbackUrl "secret" $connection.fallbackUrlSecret) }}
{{- end }}
{{- if $connection.credsSecret.name }}
- name: NATS_CREDS
  value: /etc/edgepulse/nats-creds/nats.creds
{{- end }}
{{- if or $connection.ca.secret $connection.ca.configMap }}
- name: NATS_CA
  value: /etc/edgepulse/nats-ca/ca.crt
{{- end }}
- name: MAX_SESSIONS
  value: {{ $region.limits.maxSessions | int | quote }}
- name: MAX_SESSION_SERIES
  value: {{ $region.limits.maxSessionSeries | int | quote }}
- name: HOST
  value: {{ $values.host | quote }}
- name: PORT
  value: "9464"
- name: LOG_LEVEL
  value: {{ $values.logLevel }}
{{- if $values.metricsToken.existingSecret }}
- name: METRICS_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ $values.metricsToken.existingSecret }}
      key: {{ $values.metricsToken.key }}
{{- end }}
{{- with include "edgepulse.boardPeers" . }}
- name: BOARD_PEERS
  value: {{ . | quote }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "edgepulse.urlEnv" -}}
- name: {{ .name }}
  {{- if .secret.name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret.name }}
      key: {{ .secret.key }}
  {{- else }}
  value: {{ .url | quote }}
  {{- end }}
{{- end -}}
