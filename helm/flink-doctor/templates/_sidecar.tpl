{{/* The configuration of a judge that shares the JobManager's pod. */}}
{{- define "flink-doctor.sidecarConfig" -}}
{{- $s := .Values.sidecar -}}
{{- $cluster := dict "name" (default .Release.Name $s.clusterName) "namespace" .Release.Namespace -}}
{{- $_ := set $cluster "flink" (list (printf "http://localhost:%v" $s.restPort)) -}}
{{- $_ := set $cluster "reporters" (concat (list (printf "localhost:%v" $s.reporterPorts)) $s.reporters) -}}
{{- $pod := dict "listen" (printf "0.0.0.0:%v" .Values.port) "data_dir" "/var/lib/flink-doctor" "clusters" (list $cluster) -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $pod) -}}
{{- end -}}

{{/* To be merged into the pod template of a JobManager. */}}
{{- define "flink-doctor.sidecar" -}}
spec:
  containers:
    - {{- include "flink-doctor.container" . | nindent 6 }}
  volumes:
    - name: flink-doctor-config
      configMap: {name: {{ include "flink-doctor.fullname" . }}-sidecar, items: [{key: config.yaml, path: config.yaml}]}
    - name: flink-doctor-data
      emptyDir: {sizeLimit: {{ .Values.emptyDirSizeLimit }}}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
