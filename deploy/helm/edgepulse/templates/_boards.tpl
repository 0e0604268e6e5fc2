{{/* The boards, as a JSON array: one of all shards, or one for each region. While shards change, it is still of the previous ones. */}}
{{- define "edgepulse.boards" -}}
{{- $fullname := include "edgepulse.fullname" . -}}
{{- $boards := list -}}
{{- range $region := include "edgepulse.regions" . | fromJsonArray -}}
{{- $shown := default $region.shards $region.previousShards | int | toString -}}
{{- if eq $.Values.board.peers "region" -}}
{{- $boards = append $boards (dict "name" (printf "%s-board-%s" $fullname $region.name) "selector" (dict "edgepulse/region" $region.name "edgepulse/shards" $shown)) -}}
{{- else if not $boards -}}
{{- $boards = append $boards (dict "name" (printf "%s-board" $fullname) "selector" (dict "edgepulse/shards" $shown)) -}}
{{- end -}}
{{- end -}}
{{- toJson $boards -}}
{{- end -}}
