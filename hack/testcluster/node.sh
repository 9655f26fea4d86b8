# A real node on this machine: containerd, kubelet and kube-proxy, and a registry to pull from.
# shellcheck shell=bash disable=SC2154  # sourced by cluster.sh, which sets $state, $bin, $pki and the addresses

run=$state/run # short paths: a Unix socket's may have 107 characters
containerd_socket=$run/containerd.sock

# --- network ------------------------------------------------------------------------------------

# firewall -C|-I|-D: checks, inserts or deletes this node's rules; a later one goes before an earlier
# one. Where a firewall or Docker closed forwarding, the pods' own traffic is let through. What a pod
# sends to a Service that kube-proxy does not know yet is refused: on its way out of the machine it
# would leave a mark in the connection table, and the next connection from that port would be lost too.
firewall() {
    local rule failed=0
    for rule in "-s $pod_net -j ACCEPT" "-d $pod_net -j ACCEPT" "-d $service_net.0.0/17 -j REJECT"; do
        # shellcheck disable=SC2086  # words
        iptables -w "$1" FORWARD $rule -m comment --comment "$label" 2>/dev/null || failed=1
    done
    return $failed
}

# The node needs an address that is not loopback, on a device that is always there.
network_up() {
    if [ ! -e "$run" ] && iptables -w -t nat -S KUBE-SERVICES >/dev/null 2>&1; then
        die "a Kubernetes runs on this machine already (its kube-proxy's rules are there): use that one, hack/demo.sh --kubeconfig"
    fi
    ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
    ip addr replace "$node_ip/32" dev "$bridge"
    ip link set "$bridge" up
    ip route replace unreachable "$pod_net" # but for the pods that there are, each with a route of its own
    sysctl -qw net.ipv4.ip_forward=1
    firewall -C || { firewall -D || true; firewall -I || die "iptables cannot insert rules"; }
}

# Without the chains of kube-proxy, kubelet and the CNI plugins; everybody else's rules stay.
kube_rules_down() {
    local tool table
    for tool in iptables ip6tables; do
        for table in filter nat mangle; do
            "$tool-save" -c -t $table 2>/dev/null | grep -vE '\b(KUBE|CNI)-' | "$tool-restore" -c -w -T $table || true
        done
    done
}

network_down() {
    firewall -D || true
    kube_rules_down
    ip route del unreachable "$pod_net" 2>/dev/null || true
    ip link del "$bridge" 2>/dev/null || true
}

# --- configuration ------------------------------------------------------------------------------

# put FILE: what comes in; a file that says so already is left alone (kube-proxy ends when its own is
# written again).
put() {
    cat >"$1.new"
    if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

configure() {
    mkdir -p "$state/cni" "$state/certs.d/$registry" "$run" "$state/kubelet" "$state/podlogs"
    # Point to point: a pod's traffic is always routed, so Services need no bridge netfilter.
    put "$state/cni/10-pods.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "dataDir": "$state/ipam", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "$pod_net"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
    put "$state/certs.d/$registry/hosts.toml" <<END
server = "http://$registry"
[host."http://$registry"]
capabilities = ["pull", "resolve"]
END
    put "$state/containerd.toml" <<END
version = 2
root = "$state/containerd"
state = "$run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$registry/pause:1"
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$state/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "$state/certs.d"
END
    put "$state/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_ip
containerRuntimeEndpoint: unix://$containerd_socket
cgroupDriver: cgroupfs
cgroupRoot: /$label
failCgroupV1: false
failSwapOn: false
healthzPort: 0
podLogsDir: $state/podlogs
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: $pki/ca.crt}}
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
serializeImagePulls: false
registryPullQPS: 0
nodeStatusUpdateFrequency: 5s
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
END
    put "$state/kube-proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $state/kube-proxy.kubeconfig}
mode: iptables
clusterCIDR: $pod_net
hostnameOverride: $node_name
healthzBindAddress: $node_ip:10256
metricsBindAddress: $node_ip:10249
conntrack: {maxPerCore: 0}
iptables: {minSyncPeriod: 0s, syncPeriod: 30s}
END
    put "$state/registry.yaml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $state/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
END
}

# kubelet does not make its root cgroup; version 1 has one tree for each controller.
cgroups_up() {
    local tree
    for tree in $(cgroup_trees); do mkdir -p "$tree/$label"; done
    if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
        sed 's/[a-z]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control || true
    elif [ -f "/sys/fs/cgroup/cpuset/$label/cpuset.cpus" ]; then
        cat /sys/fs/cgroup/cpuset/cpuset.cpus >"/sys/fs/cgroup/cpuset/$label/cpuset.cpus"
        cat /sys/fs/cgroup/cpuset/cpuset.mems >"/sys/fs/cgroup/cpuset/$label/cpuset.mems"
    fi
}

cgroup_trees() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

cgroups_down() {
    local tree
    for tree in $(cgroup_trees); do
        [ ! -d "$tree/$label" ] || find "$tree/$label" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}

# --- up and down --------------------------------------------------------------------------------

node_up() {
    configure
    cgroups_up
    kubeconfig kubelet "$state/kubelet.kubeconfig"
    kubeconfig kube-proxy "$state/kube-proxy.kubeconfig"
    start registry docker-registry serve "$state/registry.yaml"
    wait_for 20 registry curl -fsS "http://$registry/v2/"
    start containerd containerd --config "$state/containerd.toml"
    wait_for 20 containerd ctr -a "$containerd_socket" version
    has_image pause 1 || "$here/testcluster/image.sh" --registry "$registry" pause >/dev/null
    start kubelet "$bin/kubelet" --config="$state/kubelet.yaml" --kubeconfig="$state/kubelet.kubeconfig" \
        --hostname-override="$node_name" --node-ip="$node_ip" --root-dir="$state/kubelet"
    wait_for 30 kubelet kubectl get node "$node_name" # kube-proxy sleeps for long where there is none yet
    start kube-proxy "$bin/kube-proxy" --config="$state/kube-proxy.yaml"
    wait_for 20 kube-proxy curl -fsS "http://$node_ip:10256/livez"
    wait_for 60 kubelet kubectl wait --for=condition=Ready "node/$node_name" --timeout=1s
}

has_image() { curl -fsS -o /dev/null "http://$registry/v2/$1/manifests/$2" 2>/dev/null; }

# Kills what containers of this node run, whether containerd is still there or not: every shim names
# our socket, and is the parent of all that its pod runs.
kill_containers() {
    local pid
    for pid in $(pgrep -f "containerd-shim.* -address $containerd_socket( |\$)" || true); do
        pkill -KILL -P "$pid" || true
        kill -KILL "$pid" 2>/dev/null || true
    done
}

unmount_all() {
    local point
    awk -v "under=$state/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r point; do umount -l "$point" 2>/dev/null || true; done
}

node_down() {
    local name
    for name in kubelet kube-proxy containerd registry; do stop "$name"; done
    kill_containers
    sleep 0.2
    unmount_all
    cgroups_down
    network_down
}
