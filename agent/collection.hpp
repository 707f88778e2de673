// Collection: keeps asking one cluster. One coroutine per source, each on its own drift-free clock;
// what they learn goes into the stream through `emit`. Loop thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/discovery/discovery.hpp"
#include "agent/heard_job_manager.hpp"
#include "agent/pod_watches.hpp"
#include "agent/probe.hpp"
#include "collectors/http.hpp"
#include "collectors/reporter.hpp"
#include "collectors/rest/source.hpp"
#include "model/entity.hpp"
#include "model/stream.hpp"

namespace doctor {

class Collection {
 public:
  using Emit = std::function<void(StreamItem)>;
  using Loop = std::function<boost::asio::awaitable<void>()>;
  using Spawn = std::function<void(Loop)>;

  Collection(ClusterIndex cluster, const ClusterConfig& config, const Config& agent, Http& http,
             Resolver& resolver, const Selection& selection, EntityTable& entities, bool one_shot,
             Emit emit);

  /// Spawns a loop for each source, and for each that is discovered later; a loop runs until it is
  /// cancelled or its target is gone.
  void start(Spawn spawn);
  /// Everything once, for `check`.
  boost::asio::awaitable<void> poll_once();
  /// The jobs that Flink lists, before anything is told of them; none where it does not answer.
  boost::asio::awaitable<std::vector<JobSummary>> listed_jobs();

 private:
  /// One endpoint that may hold a reporter. In a range most hold nothing, and that is no fault.
  struct Target {
    Endpoint endpoint;
    std::size_t range{};
    bool wanted{true};  // discovery still finds it
    SourceHealth health;
    SeriesIndex known;                     // of a reporter
    std::shared_ptr<const Layout> layout;  // of a probe, or of containers
  };
  using TargetPtr = std::shared_ptr<Target>;
  /// What one line of the configuration stands for.
  struct Range {
    Range(Discovery d, SourceKind k) : discovery(std::move(d)) { health.kind = k; }
    Discovery discovery;
    SourceHealth health;  // stands for all its targets while none of them answers
    std::size_t answering{};
    bool shown{false};
    bool discovery_failed{false};
  };

  boost::asio::awaitable<void> rest_loop();
  boost::asio::awaitable<void> poll_rest();
  boost::asio::awaitable<void> discovery_loop(std::size_t range);
  boost::asio::awaitable<void> discover(std::size_t range);
  void discovered(std::size_t range, const Result<std::vector<Endpoint>>& found);
  void learn_pods();
  boost::asio::awaitable<void> target_loop(TargetPtr target);
  void reconcile(std::size_t range, const std::vector<Endpoint>& endpoints);
  void add_range(const TargetSpec& spec, SourceKind kind, Resolver& resolver);
  void add_target(std::size_t range, const Endpoint& endpoint);
  void retire(Target& target);
  void learn_task_managers(const StreamItem& item);
  void learn_owners();
  boost::asio::awaitable<void> scrape(Target& target);
  boost::asio::awaitable<Result<Scrape>> read(Target& target);
  Result<Scrape> read_local(const Target& target);
  void succeeded(Target& target, Scrape scrape, DurationMs took_ms);
  void failed(Target& target, const Error& error, DurationMs took_ms);
  void forget_job_manager(SourceId source);
  bool stands_by(const Target& target, const Scrape& scrape);
  std::string role_of(EntityId process) const;
  void show_range(Range& range, const Error& error);
  void hide_range(Range& range);
  void tell_rest_about_reporters();
  void send(StreamItem item) { emit_(std::move(item)); }
  void send(const SourceHealth& health);

  ClusterIndex cluster_;
  const Config& agent_;
  Http& http_;
  const Selection& selection_;
  EntityTable& entities_;
  Emit emit_;
  Spawn spawn_;
  SourceId next_source_;
  std::vector<Range> ranges_;
  std::unique_ptr<LocalProbe> local_probe_;
  std::vector<TargetPtr> targets_;
  HeardJobManager heard_;
  ProbedJobManagers probed_;
  std::vector<TaskManagerFacts> task_managers_;
  /// A scrape keeps those it began with: pods may come and go meanwhile.
  std::shared_ptr<const ContainerOwners> container_owners_{
      std::make_shared<const ContainerOwners>()};
  std::optional<YarnConfig> yarn_;
  TimestampMs yarn_asked_at_{0};
  std::unique_ptr<PodWatches> pods_;
  std::unique_ptr<RestSource> rest_;
};

}  // namespace doctor
