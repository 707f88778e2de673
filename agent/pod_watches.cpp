#include "agent/pod_watches.hpp"

#include "agent/clock.hpp"
#include "collectors/kubernetes/targets.hpp"
#include "model/text.hpp"

namespace doctor {

PodWatches::PodWatches(ClusterIndex index, const ClusterConfig& cluster, Http& http,
                       const Limits& limits, SourceId& next_source, Emit emit,
                       std::function<void()> changed)
    : index_(index),
      base_(cluster.kubernetes.value_or(KubernetesConfig{})),
      http_(http),
      limits_(limits),
      emit_(std::move(emit)),
      changed_(std::move(changed)) {
  if (cluster.kubernetes) add(base_, next_source);
  for (const auto* specs : {&cluster.reporters, &cluster.probes}) {
    for (const TargetSpec& spec : *specs) {
      if (spec.kind == TargetSpec::Kind::kubernetes) add(selection(spec), next_source);
    }
  }
}

/// A reporter's line has no access of its own to the API: that is the block's.
KubernetesConfig PodWatches::selection(const TargetSpec& spec) const {
  KubernetesConfig what = base_;
  if (!spec.selects) return what;
  if (!spec.name.empty()) what.namespace_ = spec.name;
  what.selector = spec.selector;
  return what;
}

std::size_t PodWatches::watch_of(const KubernetesConfig& what) const {
  std::size_t i = 0;
  while (i < watches_.size() && (watches_[i].what.namespace_ != what.namespace_ ||
                                 watches_[i].what.selector != what.selector)) {
    ++i;
  }
  return i;
}

void PodWatches::add(KubernetesConfig what, SourceId& next_source) {
  if (watch_of(what) < watches_.size() || watches_.size() >= limits_.pod_watches_max) return;
  Watch& watch = watches_.emplace_back();
  watch.what = what;
  const SourceId id = next_source++;
  const Result<KubernetesConfig> whole = completed(std::move(what), pod_environment());
  if (!whole) {
    watch.broken.id = id;
    watch.broken.kind = SourceKind::kubernetes;
    watch.broken.address =
        "pods " + kubernetes::selection_text(watch.what.namespace_, watch.what.selector);
    watch.broken.last_error = whole.error();
    return;
  }
  KubernetesSourceConfig config{index_,
                                id,
                                *whole->api_server,
                                whole->namespace_,
                                whole->selector,
                                static_cast<std::uint64_t>(now_ms()) + id};
  const std::size_t place = watches_.size() - 1;
  watch.source = std::make_unique<KubernetesSource>(
      std::move(config), http_, limits_, now_ms,
      [this, place](StreamItem item) { take(place, std::move(item)); });
}

void PodWatches::take(std::size_t watch, StreamItem item) {
  const auto* facts = std::get_if<KubernetesFactsPtr>(&item.what);
  const bool news = facts != nullptr;
  if (news) watches_[watch].facts = *facts;
  emit_(std::move(item));
  if (news) changed_();
}

void PodWatches::tell(const Watch& watch) {
  SourceHealth health = watch.broken;
  health.since = now_ms();
  emit_(StreamItem{index_, health.since, std::move(health)});
}

void PodWatches::start(const Spawn& spawn) {
  for (const Watch& watch : watches_) {
    if (watch.source) {
      spawn([source = watch.source.get()] { return source->run(); });
      spawn([source = watch.source.get()] { return source->look_around(); });
    } else {
      tell(watch);
    }
  }
}

boost::asio::awaitable<void> PodWatches::poll_once() {
  for (const Watch& watch : watches_) {
    if (watch.source) {
      co_await watch.source->poll();
    } else {
      tell(watch);
    }
  }
}

std::optional<std::vector<std::string>> PodWatches::addresses(const TargetSpec& spec) const {
  const std::size_t watch = watch_of(selection(spec));
  if (watch == watches_.size() || !watches_[watch].facts) return std::nullopt;
  std::vector<std::string> found;
  for (const PodFactsPtr& pod : watches_[watch].facts->pods) {
    const std::string& address = spec.kind == TargetSpec::Kind::nodes ? pod->node_ip : pod->ip;
    if (pod->running() && !address.empty()) found.push_back(address);
  }
  return found;
}

ContainerOwners PodWatches::owners(const std::vector<TaskManagerFacts>& task_managers) const {
  ContainerOwners owners;
  for (const Watch& watch : watches_) {
    if (watch.facts) owners.merge(container_owners(*watch.facts, task_managers));
  }
  return owners;
}

}  // namespace doctor
