{{/* Names of all regions of the topology, as a JSON array. */}}
{{- define "edgepulse.topologyNames" -}}
{{- $names := list -}}
{{- range .Values.topology.regions -}}
{{- $names = append $names (kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name")) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* What a region overrides, over what is set for all: `url` and `urlSecret` exclude each other, so one replaces the other. */}}
{{- define "edgepulse.connection" -}}
{{- $connection := deepCopy .common -}}
{{- $own := default dict .own -}}
{{- if or $own.url (dig "urlSecret" "name" "" $own) -}}
{{- $connection = merge (dict "url" "" "urlSecret" (dict "name" "" "key" $connection.urlSecret.key)) (omit $connection "url" "urlSecret") -}}
{{- end -}}
{{- if or $own.fallbackUrl (dig "fallbackUrlSecret" "name" "" $own) -}}
{{- $connection = merge (dict "fallbackUrl" "" "fallbackUrlSecret" (dict "name" "" "key" $connection.fallbackUrlSecret.key)) (omit $connection "fallbackUrl" "fallbackUrlSecret") -}}
{{- end -}}
{{- if or (dig "ca" "secret" "" $own) (dig "ca" "configMap" "" $own) -}}
{{- $_ := set $connection "ca" (dict "secret" "" "configMap" "" "key" $connection.ca.key) -}}
{{- end -}}
{{- $connection = mergeOverwrite $connection $own -}}
{{- $_ := set $connection "url" (tpl $connection.url .root) -}}
{{- $_ := set $connection "fallbackUrl" (tpl $connection.fallbackUrl .root) -}}
{{- toJson $connection -}}
{{- end -}}

{{/* The regions that this release runs, as a JSON array, each with everything that `regions` may override. */}}
{{- define "edgepulse.regions" -}}
{{- $root := . -}}
{{- $entries := .Values.regions -}}
{{- if not $entries -}}
{{- $entries = list -}}
{{- range include "edgepulse.topologyNames" . | fromJsonArray -}}
{{- $entries = append $entries (dict "name" .) -}}
{{- end -}}
{{- end -}}
{{- $regions := list -}}
{{- range $entry := $entries -}}
{{- $regions = append $regions (dict
  "name" $entry.name
  "consumes" (default (list $entry.name) $entry.consumes)
  "shards" (default $root.Values.shards $entry.shards)
  "previousShards" (hasKey $entry "previousShards" | ternary $entry.previousShards $root.Values.previousShards)
  "replicas" (default $root.Values.replicas $entry.replicas)
  "resources" (default $root.Values.resources $entry.resources)
  "limits" (merge (dict) (default dict $entry.limits) $root.Values.limits)
  "connection" (include "edgepulse.connection" (dict "root" $root "common" $root.Values.connection "own" $entry.connection) | fromJson)
) -}}
{{- end -}}
{{- toJson $regions -}}
{{- end -}}

{{/*
The StatefulSets, as a JSON array: one for each region and shard. Each rolls its replicas one at a time, so that an update
never stops both replicas of a shard. A name holds the count of shards, so that those of two counts can run side by side.
*/}}
{{- define "edgepulse.sets" -}}
{{- $fullname := include "edgepulse.fullname" . -}}
{{- $sets := list -}}
{{- range $region := include "edgepulse.regions" . | fromJsonArray -}}
{{- $shown := int (default $region.shards $region.previousShards) -}}
{{- range $count := list (int $region.shards) (int $region.previousShards) | uniq -}}
{{- range $shard := until $count -}}
{{- $shardName := printf "%dof%d" $shard $count -}}
{{- $sets = append $sets (dict
  "name" (printf "%s-%s-%s" $fullname $region.name $shardName)
  "region" $region
  "shardName" $shardName
  "shard" (printf "%d/%d" $shard $count)
  "count" $count
  "shown" (eq $count $shown)
) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $sets -}}
{{- end -}}

{{/* The addresses of the pods of all sets whose figures one board adds up, comma-separated; empty where it is one process's. */}}
{{- define "edgepulse.boardPeers" -}}
{{- $root := .root -}}
{{- $set := .set -}}
{{- $parts := 0 -}}
{{- $peers := list -}}
{{- range $other := .sets -}}
{{- if and (eq (int $other.count) (int $set.count)) (or (eq $root.Values.board.peers "all") (eq $other.region.name $set.region.name)) -}}
{{- $parts = add1 $parts -}}
{{- range $ordinal := until (int $other.region.replicas) -}}
{{- $peers = append $peers (printf "http://%s-%d.%s-pods.%s.svc:9464" $other.name $ordinal (include "edgepulse.fullname" $root) $root.Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if or (eq $root.Values.board.peers "none") (le (int $parts) 1) -}}
{{- $peers = list -}}
{{- end -}}
{{- join "," (concat $peers $root.Values.board.extraPeers) -}}
{{- end -}}

{{/* The labels that the aggregators set on their series: a target's label or a relabeling must not take their place. */}}
{{- define "edgepulse.ownLabels" -}}
{{- toJson (list "shard" "region" "server_url" "server_type" "meeting_id" "session_id" "peer_id" "instance" "pod" "job") -}}
{{- end -}}
