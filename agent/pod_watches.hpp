// The watches of pods of one cluster: one for its kubernetes block and one for each other selection
// that its reporters name. Loop thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "collectors/containers.hpp"
#include "collectors/http.hpp"
#include "collectors/kubernetes/source.hpp"
#include "model/stream.hpp"

namespace doctor {

class PodWatches {
 public:
  using Emit = std::function<void(StreamItem)>;
  using Loop = std::function<boost::asio::awaitable<void>()>;
  using Spawn = std::function<void(Loop)>;

  /// Takes ids from `next_source` on. `changed` is called when the pods of a watch have changed.
  /// `http` and `limits` must outlive it.
  PodWatches(ClusterIndex index, const ClusterConfig& cluster, Http& http, const Limits& limits,
             SourceId& next_source, Emit emit, std::function<void()> changed);

  void start(const Spawn& spawn);
  boost::asio::awaitable<void> poll_once();

  /// Where the running pods are that a line selects, or their nodes when it asks for those; nothing
  /// while that is not known.
  std::optional<std::vector<std::string>> addresses(const TargetSpec& spec) const;
  /// Which container of a pod is which process.
  ContainerOwners owners(const std::vector<TaskManagerFacts>& task_managers) const;

 private:
  struct Watch {
    KubernetesConfig what;
    std::unique_ptr<KubernetesSource> source;  // null: it cannot be asked, `broken` says why
    SourceHealth broken;
    KubernetesFactsPtr facts;
  };

  void add(KubernetesConfig what, SourceId& next_source);
  void take(std::size_t watch, StreamItem item);
  void tell(const Watch& watch);
  std::size_t watch_of(const KubernetesConfig& what) const;  // watches_.size(): none
  KubernetesConfig selection(const TargetSpec& spec) const;

  ClusterIndex index_;
  KubernetesConfig base_;  // the kubernetes block, or all by default
  Http& http_;
  const Limits& limits_;
  Emit emit_;
  std::function<void()> changed_;
  std::vector<Watch> watches_;
};

}  // namespace doctor
