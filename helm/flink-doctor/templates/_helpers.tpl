{{- define "flink-doctor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "flink-doctor.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "flink-doctor.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "flink-doctor.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "flink-doctor.selector" -}}
app.kubernetes.io/name: {{ include "flink-doctor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "flink-doctor.labels" -}}
{{ include "flink-doctor.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "flink-doctor.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "flink-doctor.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "flink-doctor.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{/* The configuration of the Deployment: what the user gave, and what the pod dictates. */}}
{{- define "flink-doctor.config" -}}
{{- if not .Values.config.clusters -}}
{{- fail "config.clusters is empty: name at least one Flink cluster, for example --set 'config.clusters[0].name=orders,config.clusters[0].flink[0]=http://orders-rest:8081'" -}}
{{- end -}}
{{- $pod := dict "listen" (printf "0.0.0.0:%v" .Values.port) "data_dir" "/var/lib/flink-doctor" -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $pod) -}}
{{- end -}}

{{/* What a shard, or the one process there is, claims for its data. */}}
{{- define "flink-doctor.claim" -}}
accessModes: {{- toYaml .Values.persistence.accessModes | nindent 2 }}
{{- with .Values.persistence.storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests: {storage: {{ .Values.persistence.size }}}
{{- end -}}

{{/* One container, the same in the Deployment and in the snippet. */}}
{{- define "flink-doctor.container" -}}
name: flink-doctor
image: {{ include "flink-doctor.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [run, --config, /etc/flink-doctor/config.yaml{{ if .sharded }}, --shard, auto/{{ int .Values.shards }}{{ end }}]
ports:
  - {name: doctor, containerPort: {{ .Values.port }}, protocol: TCP}
startupProbe:
  httpGet: {path: /-/healthy, port: doctor}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: {path: /-/healthy, port: doctor}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /-/ready, port: doctor}
  periodSeconds: 10
  timeoutSeconds: 5
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext: {{- toYaml .Values.containerSecurityContext | nindent 2 }}
volumeMounts:
  - {name: flink-doctor-config, mountPath: /etc/flink-doctor, readOnly: true}
  - {name: flink-doctor-data, mountPath: /var/lib/flink-doctor}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
