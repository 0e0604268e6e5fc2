{{/* Fails with every problem between values, one line each; values.schema.json has checked each of them by itself. */}}
{{- define "edgepulse.check" -}}
{{- $problems := list -}}
{{- $names := include "edgepulse.topologyNames" . | fromJsonArray -}}
{{- if not $names -}}
{{- $problems = append $problems "topology.regions: is empty; list the REGIONS of the worker's table in wrangler.toml" -}}
{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}
{{- $problems = append $problems "topology.regions: lists a region twice" -}}
{{- end -}}
{{- $lanes := int .Values.topology.lanes -}}
{{- $regions := include "edgepulse.regions" . | fromJsonArray -}}
{{- $consumed := list -}}
{{- $counts := list -}}
{{- range $region := $regions -}}
{{- $counts = append $counts (int $region.shards) | uniq -}}
{{- range $name := $region.consumes -}}
{{- if not (has $name $names) -}}
{{- $problems = append $problems (printf "regions: %s is not in topology.regions (%s)" $name (join ", " $names)) -}}
{{- end -}}
{{- if has $name $consumed -}}
{{- $problems = append $problems (printf "regions: %s is consumed twice" $name) -}}
{{- end -}}
{{- $consumed = append $consumed $name -}}
{{- end -}}
{{- range $value, $count := dict "shards" $region.shards "previousShards" $region.previousShards -}}
{{- if gt (int $count) $lanes -}}
{{- $problems = append $problems (printf "%s: region %s has %d, and topology.lanes is %d; a lane belongs to one shard, so raise the lanes first (in wrangler.toml too)" $value $region.name (int $count) $lanes) -}}
{{- end -}}
{{- end -}}
{{- if eq (int $region.shards) (int $region.previousShards) -}}
{{- $problems = append $problems (printf "previousShards: region %s has %d, which shards is too; set it to 0 once the change is over" $region.name (int $region.shards)) -}}
{{- end -}}
{{- $connection := $region.connection -}}
{{- if and (not $connection.url) (not $connection.urlSecret.name) -}}
{{- $problems = append $problems (printf "connection: region %s has neither url nor urlSecret.name; set connection.url, or that of the region" $region.name) -}}
{{- end -}}
{{- if and $connection.url $connection.urlSecret.name -}}
{{- $problems = append $problems (printf "connection: region %s has url and urlSecret.name; set one of them" $region.name) -}}
{{- end -}}
{{- if and $connection.fallbackUrl $connection.fallbackUrlSecret.name -}}
{{- $problems = append $problems (printf "connection: region %s has fallbackUrl and fallbackUrlSecret.name; set one of them" $region.name) -}}
{{- end -}}
{{- if and $connection.ca.secret $connection.ca.configMap -}}
{{- $problems = append $problems (printf "connection.ca: region %s has secret and configMap; set one of them" $region.name) -}}
{{- end -}}
{{- end -}}
{{- $sets := include "edgepulse.sets" . | fromJsonArray -}}
{{- $pods := 0 -}}
{{- $shownSets := 0 -}}
{{- range $set := $sets -}}
{{- if $set.shown -}}{{- $shownSets = add1 $shownSets -}}{{- end -}}
{{- $pods = add $pods (int $set.region.replicas) -}}
{{- /* A StatefulSet adds a hash to its name, for a label of at most 63 characters. */ -}}
{{- if gt (len $set.name) 52 -}}
{{- $problems = append $problems (printf "fullnameOverride: the StatefulSet %s would have more than 52 characters; set a shorter one" $set.name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.board.peers "all") (gt (len $counts) 1) -}}
{{- $problems = append $problems "board.peers: all needs equally many shards in every region; set it to region" -}}
{{- end -}}
{{- if and (eq .Values.board.peers "none") (gt (int $shownSets) 1) -}}
{{- $problems = append $problems (printf "board.peers: none shows one process of the %d that have the figures; set it to all or region" (int $shownSets)) -}}
{{- end -}}
{{- if and (ne .Values.board.peers "none") (gt (int (add $pods (len .Values.board.extraPeers))) 128) -}}
{{- $problems = append $problems (printf "board.peers: %d processes, and a board asks at most 128; set it to region or run fewer regions in one release" (int (add $pods (len .Values.board.extraPeers)))) -}}
{{- end -}}
{{- $ingress := .Values.board.ingress -}}
{{- if $ingress.enabled -}}
{{- if not $ingress.host -}}
{{- $problems = append $problems "board.ingress.host: is required with board.ingress.enabled" -}}
{{- end -}}
{{- if not (or .Values.metricsToken.existingSecret $ingress.authenticatedElsewhere) -}}
{{- $problems = append $problems "board.ingress: would show everybody who is in which meeting; set metricsToken.existingSecret, or authenticatedElsewhere where the ingress asks who is there" -}}
{{- end -}}
{{- if and (eq .Values.board.peers "region") (gt (len $regions) 1) -}}
{{- $problems = append $problems "board.ingress: with board.peers region there is a board for each region; write an ingress for each of their Services" -}}
{{- end -}}
{{- end -}}
{{- $own := include "edgepulse.ownLabels" . | fromJsonArray -}}
{{- range $value := list "relabelings" "metricRelabelings" -}}
{{- range $relabeling := get $.Values.serviceMonitor $value -}}
{{- $action := lower (default "replace" $relabeling.action) -}}
{{- if has (default "" $relabeling.targetLabel) $own -}}
{{- $problems = append $problems (printf "serviceMonitor.%s: must not set the label %s, by which shards are told apart and replicas deduplicated" $value $relabeling.targetLabel) -}}
{{- end -}}
{{- range $label := $own -}}
{{- if and (eq $action "labeldrop") (regexMatch (printf "^(?:%s)$" (default "(.*)" $relabeling.regex)) $label) -}}
{{- $problems = append $problems (printf "serviceMonitor.%s: must not drop the label %s, by which shards are told apart and replicas deduplicated" $value $label) -}}
{{- end -}}
{{- end -}}
{{- if has $action (list "labelkeep" "labelmap") -}}
{{- $problems = append $problems (printf "serviceMonitor.%s: %s may change the label shard; use replace with a targetLabel" $value $action) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n%s" (join "\n" (uniq $problems))) -}}
{{- end -}}
{{- end -}}
