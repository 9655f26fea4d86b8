{{- define "deployer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "deployer.fullname" -}}
{{- $name := include "deployer.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "deployer.selector" -}}
app.kubernetes.io/name: {{ include "deployer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "deployer.labels" -}}
{{ include "deployer.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "deployer.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "deployer.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name an existing ServiceAccount, or set serviceAccount.create=true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "deployer.image" -}}
{{- $repository := required "image.repository: name the image that you built and pushed, e.g. --set image.repository=192.168.1.100:5000/btc-shopflow-deployer" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* File name of a host's CA, both as ConfigMap key and below /etc/btc-shopflow-deployer/ca. */}}
{{- define "deployer.caFile" -}}
{{- printf "%s.crt" (replace ":" "_" .) -}}
{{- end -}}

{{/* What the controller does, and nothing else. */}}
{{- define "deployer.rules" -}}
{{- $accounts := uniq (compact (append .Values.rbac.impersonate .Values.defaultServiceAccount)) -}}
{{- if not (or .Values.rbac.patchDeployments $accounts) -}}
{{- fail "rbac.patchDeployments: false needs defaultServiceAccount or rbac.impersonate: nobody could patch a Deployment" -}}
{{- end -}}
- apiGroups: [deploy.btc-shopflow.io]
  resources: [appreleases]
  verbs: [get, list, watch{{ if .Values.rbac.deleteReleases }}, delete{{ end }}]
- apiGroups: [deploy.btc-shopflow.io]
  resources: [appreleases/status]
  verbs: [patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch{{ if .Values.rbac.patchDeployments }}, patch{{ end }}]
{{- if $accounts }}
- apiGroups: [""]
  resources: [serviceaccounts]
  {{- if not (has "*" $accounts) }}
  resourceNames: {{ toJson $accounts }}
  {{- end }}
  verbs: [impersonate]
{{- end }}
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- if .Values.rbac.podLogs }}
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end }}
- apiGroups: [""]
  resources: [secrets, serviceaccounts]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
