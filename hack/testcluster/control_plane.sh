# etcd, kube-apiserver, kube-controller-manager and kube-scheduler as processes of this machine.
# shellcheck shell=bash disable=SC2154  # sourced by cluster.sh, which sets $state, $bin, the ports and addresses

pki=$state/pki

# --- certificates and kubeconfigs ---------------------------------------------------------------

# certificate NAME SUBJECT [SUBJECT-ALT-NAMES]: signed by the cluster's CA.
certificate() {
    local out=$pki.new/$1
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \
        -keyout "$out.key" -out "$out.csr"
    openssl x509 -req -in "$out.csr" -CA "$pki.new/ca.crt" -CAkey "$pki.new/ca.key" -days 3650 -out "$out.crt" \
        -extfile <(printf 'extendedKeyUsage=clientAuth,serverAuth\n%s' "${3:+subjectAltName=$3}")
    rm "$out.csr"
}

make_pki() {
    [ ! -d "$pki" ] || return 0
    local service_names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
    rm -rf "$pki.new"
    mkdir -m 700 "$pki.new"
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj /CN=shopflow-cluster-ca -keyout "$pki.new/ca.key" -out "$pki.new/ca.crt"
        openssl genrsa -out "$pki.new/service-account.key" 2048
        certificate etcd /CN=etcd IP:127.0.0.1
        certificate apiserver /CN=kube-apiserver \
            "$service_names,IP:127.0.0.1,IP:$host_ip,IP:$service_net.0.1"
        certificate kubelet "/O=system:nodes/CN=system:node:$node_name" "IP:$node_ip,DNS:$node_name"
        certificate admin /O=system:masters/CN=admin
        certificate controller-manager /CN=system:kube-controller-manager
        certificate scheduler /CN=system:kube-scheduler
        certificate kube-proxy /CN=system:kube-proxy
    } >"$state/log/openssl.log" 2>&1 || die "openssl failed: see $state/log/openssl.log"
    mv -T "$pki.new" "$pki" # whole or not at all
}

# kubeconfig NAME FILE: for the certificate NAME; complete in itself, so that it may be copied.
kubeconfig() {
    cat >"$2.new" <<END
apiVersion: v1
kind: Config
clusters:
- name: shopflow
  cluster:
    server: https://$api
    certificate-authority-data: $(base64 -w0 "$pki/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$pki/$1.crt")
    client-key-data: $(base64 -w0 "$pki/$1.key")
contexts:
- name: shopflow
  context: {cluster: shopflow, user: $1}
current-context: shopflow
END
    chmod 600 "$2.new"
    mv "$2.new" "$2"
}

# --- the processes ------------------------------------------------------------------------------

start_etcd() {
    local tls=("--trusted-ca-file=$pki/ca.crt" "--cert-file=$pki/etcd.crt" "--key-file=$pki/etcd.key")
    start etcd "$bin/etcd" --name=shopflow --data-dir="$state/etcd" --unsafe-no-fsync --logger=zap \
        --listen-client-urls="https://127.0.0.1:$etcd_port" \
        --advertise-client-urls="https://127.0.0.1:$etcd_port" \
        --listen-peer-urls="https://127.0.0.1:$etcd_peer_port" \
        --initial-advertise-peer-urls="https://127.0.0.1:$etcd_peer_port" \
        --initial-cluster="shopflow=https://127.0.0.1:$etcd_peer_port" \
        --client-cert-auth "${tls[@]}" --peer-client-cert-auth "${tls[@]/#--/--peer-}"
}

start_apiserver() {
    # What the controller wrote, and what anybody wrote to AppReleases: the node tests read it.
    cat >"$state/audit-policy.yaml" <<END
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  resources: [{group: events.k8s.io}]
- level: Request
  verbs: [create, update, patch, delete, deletecollection]
  userGroups: ["system:serviceaccounts:shopflow-demo-system"]
- level: Request
  verbs: [create, update, patch, delete]
  resources: [{group: deploy.btc-shopflow.io}]
- level: None
END
    start kube-apiserver "$bin/kube-apiserver" \
        --bind-address="${api%:*}" --secure-port="${api##*:}" --advertise-address="$host_ip" \
        --etcd-servers="https://127.0.0.1:$etcd_port" --etcd-cafile="$pki/ca.crt" \
        --etcd-certfile="$pki/etcd.crt" --etcd-keyfile="$pki/etcd.key" \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --client-ca-file="$pki/ca.crt" --authorization-mode=Node,RBAC \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" \
        --service-cluster-ip-range="$service_net.0.0/17" --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/service-account.key" \
        --service-account-signing-key-file="$pki/service-account.key" \
        --enable-admission-plugins=NodeRestriction --allow-privileged \
        --audit-policy-file="$state/audit-policy.yaml" --audit-log-path="$state/log/audit.log" \
        --audit-log-mode=blocking --audit-log-maxsize=1024
}

start_managers() {
    # The default of 20 requests a second is for clusters that share an API server with others.
    local rates=(--kube-api-qps=500 --kube-api-burst=1000)
    start kube-controller-manager "$bin/kube-controller-manager" \
        --kubeconfig="$state/controller-manager.kubeconfig" --bind-address=127.0.0.1 --secure-port="$manager_port" \
        --leader-elect=false "${rates[@]}" --use-service-account-credentials --root-ca-file="$pki/ca.crt" \
        --service-account-private-key-file="$pki/service-account.key"
    start kube-scheduler "$bin/kube-scheduler" --kubeconfig="$state/scheduler.kubeconfig" \
        --bind-address=127.0.0.1 --secure-port="$scheduler_port" --leader-elect=false "${rates[@]}"
}

kubectl() { "$bin/kubectl" --kubeconfig="$state/kubeconfig" "$@"; }

control_plane_up() {
    mkdir -p "$state/log"
    make_pki
    kubeconfig admin "$state/kubeconfig"
    kubeconfig controller-manager "$state/controller-manager.kubeconfig"
    kubeconfig scheduler "$state/scheduler.kubeconfig"
    start_etcd
    start_apiserver
    wait_for 60 kube-apiserver kubectl get --raw /readyz
    start_managers
    # The first thing that the controllers make, and what every pod needs.
    wait_for 30 kube-controller-manager kubectl get serviceaccount default
}
