// The pods of one Flink cluster through the Kubernetes API: a list, then a watch from where the
// list ended, resumed where it was cut; another list when the server has forgotten that place
// (410). Beside them, once a minute, the operator's FlinkDeployments and the warnings that
// Kubernetes keeps, where they may be read. It only reads: get, list and watch on pods are all it
// needs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "collectors/http.hpp"
#include "collectors/kubernetes/look.hpp"
#include "collectors/kubernetes/pod_set.hpp"
#include "model/limits.hpp"
#include "model/stream.hpp"

namespace doctor {

struct KubernetesSourceConfig {
  ClusterIndex cluster{};
  SourceId source{};
  Endpoint api_server;
  std::string namespace_;
  std::string selector;  // of labels; empty: every pod of the namespace
  std::uint64_t seed{};  // spreads the load of many agents
};

class KubernetesSource {
 public:
  using Clock = std::function<TimestampMs()>;
  using Emit = std::function<void(StreamItem)>;

  /// `http` and `limits` must outlive the source.
  KubernetesSource(KubernetesSourceConfig config, Http& http, const Limits& limits, Clock clock,
                   Emit emit);

  /// One list, for a single diagnosis.
  boost::asio::awaitable<void> poll();
  /// Lists and watches until the coroutine is cancelled. Emits Events, KubernetesFacts when they
  /// changed, SourceHealth.
  boost::asio::awaitable<void> run();
  /// Beside run(), on the same thread: looks at what else there is, once pods are known.
  boost::asio::awaitable<void> look_around();

  const SourceHealth& health() const { return health_; }

 private:
  struct Page {
    int status{};
    std::string body;
  };
  enum class Watched { well, cut, expired, forbidden };

  boost::asio::awaitable<Status> list();
  boost::asio::awaitable<Watched> watch();
  boost::asio::awaitable<void> watch_until_expired();
  boost::asio::awaitable<Result<Page>> get(std::string target);
  boost::asio::awaitable<void> look_at_all();
  boost::asio::awaitable<bool> look(std::string target, kubernetes::Look& look,
                                    std::optional<std::string>& body);
  boost::asio::awaitable<bool> deployments_exist();
  boost::asio::awaitable<void> look_at_deployments();
  boost::asio::awaitable<void> look_at_warnings();
  boost::asio::awaitable<void> back_off();
  Status take_line(std::string_view text, bool& expired);
  std::string pods_target(const std::string& more) const;
  Error refused(int status, const std::string& body, const char* verb) const;
  void publish(std::vector<Event> events);
  KubernetesFacts facts() const;
  void allowed();
  void well();
  void failed(const Error& error);
  void note(const Error& error);
  double random();  // 0 … 1
  void emit(decltype(StreamItem::what) what);

  KubernetesSourceConfig config_;
  Http& http_;
  const Limits& limits_;
  Clock clock_;
  Emit emit_;
  kubernetes::PodSet pods_;
  std::optional<std::vector<FlinkDeploymentFacts>> deployments_;
  kubernetes::Look deployments_look_;
  std::optional<std::vector<KubernetesWarning>> warnings_;
  kubernetes::Look warnings_look_;
  std::optional<Error> watch_forbidden_;  // then lists have to do
  bool watch_allowed_{false};             // once, at least
  int watch_refusals_{0};                 // in a row
  std::string resource_version_;
  SourceHealth health_;
  int failures_{0};  // in a row
  std::minstd_rand random_;
};

}  // namespace doctor
