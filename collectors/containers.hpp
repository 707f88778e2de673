// What a kubelet, or cAdvisor by itself, shows of the containers of its node: the memory that the
// kernel charges to Flink's processes, where no probe of ours stands beside them. Names: cAdvisor,
// docs/storage/prometheus.md; the kubelet has the same at /metrics/cadvisor. A page tells of every
// container of the node; taken is only what runs a process of this cluster.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/exposition/reader.hpp"
#include "collectors/reporter.hpp"
#include "model/facts.hpp"
#include "model/pod.hpp"

namespace doctor {

/// Flink's own container in a pod of the cluster, and the process that runs in it.
struct ContainerOwner {
  std::string process;  // "jobmanager", or the TaskManager's id as REST gives it
  std::string container;
};
using ContainerOwners = std::map<std::string, ContainerOwner, std::less<>>;  // by "namespace/pod"

/// Pods whose process or container cannot be told are left out.
ContainerOwners container_owners(const KubernetesFacts& pods,
                                 const std::vector<TaskManagerFacts>& task_managers);

/// Whether a kubelet's page has it.
bool is_container_metric(Metric metric);

/// Pure: takes the page, gives a batch of what `selection` wants of the host.
class ContainerScrape final : public BodySink, private exposition::Sink {
 public:
  /// All must outlive it.
  ContainerScrape(SourceId source, const Selection& selection, const ContainerOwners& owners,
                  const Limits& limits);

  Status feed(std::span<const char> window) override;
  /// Error not_flink when the page tells of no containers. Of a container that is there twice, as
  /// after a restart while the old one is still shown, nothing is taken: series_duplicate.
  Result<Scrape> finish(TimestampMs at, EntityTable& entities,
                        const std::shared_ptr<const Layout>& previous);

 private:
  friend bool is_container_metric(Metric metric);
  struct Family;
  struct Staged {
    Metric metric;
    const ContainerOwner* owner;
    double value;
  };

  static std::span<const Family> families();
  bool wants(std::string_view family) override;
  void sample(std::string_view family, std::span<const exposition::Label> labels,
              double value) override;
  const ContainerOwner* owner(std::span<const exposition::Label> labels);

  SourceId source_;
  const Selection& selection_;
  const ContainerOwners& owners_;
  const Limits& limits_;
  bool saw_containers_{false};
  std::string pod_;  // of the sample: kept for its memory
  std::vector<Staged> staged_;
  std::uint64_t dropped_{0};
  exposition::Reader reader_;
};

/// One GET of `path` and its parse, as scrape_reporter(). `owners` must outlive the coroutine.
boost::asio::awaitable<Result<Scrape>> scrape_containers(
    Http& http, Endpoint endpoint, std::string path, SourceId source, const Selection& selection,
    const ContainerOwners& owners, const Limits& limits, EntityTable& entities,
    std::shared_ptr<const Layout> previous, TimestampMs (*clock)());

}  // namespace doctor
