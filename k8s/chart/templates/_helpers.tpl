{{/* The gateways' and the bootstrap's image. */}}
{{- define "pithos.image" -}}
{{ .Values.image.name }}:{{ .Values.image.tag }}
{{- end }}

{{/* Labels of a resource; the argument is its name. */}}
{{- define "pithos.labels" -}}
name: {{ . }}
app.kubernetes.io/name: {{ . }}
app.kubernetes.io/part-of: pithos
{{- end }}

{{/* A rack's StatefulSet: without a suffix where there is but one. */}}
{{- define "pithos.rackName" -}}
{{- if gt (len .root.Values.cassandra.racks) 1 }}cassandra-{{ .rack.name }}{{ else }}cassandra{{ end -}}
{{- end }}

{{/* Every node that a new ring starts with, the first of the first rack in front. */}}
{{- define "pithos.seeds" -}}
{{- $root := . -}}
{{- $seeds := list -}}
{{- range $rack := .Values.cassandra.racks -}}
{{- $name := include "pithos.rackName" (dict "root" $root "rack" $rack) -}}
{{- range $index := until (int $rack.nodes) -}}
{{- if lt $index (ternary 1 3 (gt (len $root.Values.cassandra.racks) 1)) -}}
{{- $seeds = append $seeds (printf "%s-%d.cassandra" $name $index) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join "," $seeds -}}
{{- end }}

{{/* Of pods that run the gateway's image. 1000 is its user. */}}
{{- define "pithos.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "pithos.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ['ALL']
{{- end }}

{{/* Names are asked of the cluster's DNS, wherever it runs. */}}
{{- define "pithos.dnsEgress" -}}
- ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end }}
