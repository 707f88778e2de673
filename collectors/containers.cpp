#include "collectors/containers.hpp"

#include <algorithm>

#include "collectors/batch_of.hpp"
#include "collectors/scrape_page.hpp"
#include "model/text.hpp"

namespace doctor {

/// One of cAdvisor's families. container_memory_failcnt is not among them: under cgroup v2 it stays
/// 0 whatever happens. Where `zero_is_none`, 0 says that there is no limit.
struct ContainerScrape::Family {
  std::string_view name;
  Metric metric;
  std::string_view label{};  // empty: all its series
  std::string_view label_value{};
  bool zero_is_none{false};
};

std::span<const ContainerScrape::Family> ContainerScrape::families() {
  static constexpr Family kFamilies[] = {
      // Anonymous pages of the whole container (cgroup v2 "anon"): the JVM's and its shell's.
      {.name = "container_memory_rss", .metric = Metric::host_resident_anonymous},
      {.name = "container_memory_swap", .metric = Metric::host_swap},
      {.name = "container_memory_usage_bytes", .metric = Metric::cgroup_usage},
      {.name = "container_memory_working_set_bytes", .metric = Metric::cgroup_working_set},
      {.name = "container_spec_memory_limit_bytes",
       .metric = Metric::cgroup_limit,
       .zero_is_none = true},
      {.name = "container_oom_events_total", .metric = Metric::cgroup_oom_kills},
      {.name = "container_pressure_memory_stalled_seconds_total",
       .metric = Metric::cgroup_memory_stalled},
      {.name = "container_threads", .metric = Metric::host_threads, .zero_is_none = true},
      {.name = "container_file_descriptors",
       .metric = Metric::host_descriptors,
       .zero_is_none = true},
      {.name = "container_ulimits_soft",
       .metric = Metric::host_descriptors_max,
       .label = "ulimit",
       .label_value = "max_open_files",
       .zero_is_none = true},
  };
  return kFamilies;
}

namespace {

constexpr std::string_view kPrefix = "container_";
constexpr std::string_view kJobManager = "jobmanager";

void add(const PodFacts* pod, std::string_view process, ContainerOwners& owners) {
  const ContainerFacts* container = pod == nullptr ? nullptr : pod->flink_container();
  if (container == nullptr) return;
  owners.emplace(pod->full_name(), ContainerOwner{std::string(process), container->name});
}

/// Sorts by key and takes out every key that is there more than once. Gives how many went.
std::uint64_t keep_single(std::vector<std::pair<SeriesKey, double>>& series) {
  const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(series.begin(), series.end(), by_key);
  auto kept = series.begin();
  for (auto it = series.begin(); it != series.end();) {
    const auto next = std::upper_bound(it, series.end(), *it, by_key);
    if (next - it == 1) *kept++ = *it;
    it = next;
  }
  const auto gone = static_cast<std::uint64_t>(series.end() - kept);
  series.erase(kept, series.end());
  return gone;
}

}  // namespace

ContainerOwners container_owners(const KubernetesFacts& pods,
                                 const std::vector<TaskManagerFacts>& task_managers) {
  ContainerOwners owners;
  add(pods.job_manager(), kJobManager, owners);
  for (const TaskManagerFacts& manager : task_managers) {
    add(pods.task_manager(manager.id, manager.host), manager.id, owners);
  }
  return owners;
}

bool is_container_metric(Metric metric) {
  const auto families = ContainerScrape::families();
  return std::any_of(families.begin(), families.end(),
                     [&](const auto& family) { return family.metric == metric; });
}

ContainerScrape::ContainerScrape(SourceId source, const Selection& selection,
                                 const ContainerOwners& owners, const Limits& limits)
    : source_(source),
      selection_(selection),
      owners_(owners),
      limits_(limits),
      reader_(*this, limits.reporter_line_bytes_max) {}

Status ContainerScrape::feed(std::span<const char> window) {
  reader_.feed(window);
  return Done{};
}

Result<Scrape> ContainerScrape::finish(TimestampMs at, EntityTable& entities,
                                       const std::shared_ptr<const Layout>& previous) {
  reader_.finish();
  if (!saw_containers_) {
    return Error{ErrorCode::not_flink,
                 "the answer tells of no containers; a kubelet's page is /metrics/cadvisor"};
  }
  Scrape scrape;
  scrape.stats = reader_.stats();
  scrape.series_dropped = dropped_;
  std::vector<std::pair<SeriesKey, double>> series;
  for (const Staged& staged : staged_) {
    const std::string& name = staged.owner->process;
    const EntityId process =
        name == kJobManager
            ? entities.intern(Level::process, kClusterEntity, name)
            : entities.find(Level::process, kClusterEntity, reporter_filtered(name));
    if (process == kNoEntity) {
      ++scrape.series_unlabelled;
    } else {
      series.emplace_back(SeriesKey{staged.metric, process}, staged.value);
    }
  }
  scrape.series_duplicate = keep_single(series);
  scrape.batch = batch_of(source_, at, kNoEntity, series, previous);
  return scrape;
}

bool ContainerScrape::wants(std::string_view family) {
  saw_containers_ |= family.starts_with(kPrefix);
  return std::any_of(families().begin(), families().end(), [&](const Family& known) {
    return known.name == family && selection_.contains(known.metric);
  });
}

const ContainerOwner* ContainerScrape::owner(std::span<const exposition::Label> labels) {
  pod_.assign(exposition::value_of(labels, "namespace"))
      .append("/")
      .append(exposition::value_of(labels, "pod"));
  const auto found = owners_.find(pod_);
  if (found == owners_.end()) return nullptr;
  return exposition::value_of(labels, "container") == found->second.container ? &found->second
                                                                              : nullptr;
}

void ContainerScrape::sample(std::string_view family, std::span<const exposition::Label> labels,
                             double value) {
  for (const Family& known : families()) {
    if (known.name != family || !selection_.contains(known.metric)) continue;
    if (!known.label.empty() && exposition::value_of(labels, known.label) != known.label_value)
      continue;
    if (known.zero_is_none && value == 0) continue;
    const ContainerOwner* of = owner(labels);
    if (of == nullptr) return;
    if (staged_.size() >= limits_.series_per_source_max) {
      ++dropped_;
      return;
    }
    staged_.push_back({known.metric, of, canonical(known.metric, value)});
  }
}

boost::asio::awaitable<Result<Scrape>> scrape_containers(
    Http& http, Endpoint endpoint, std::string path, SourceId source, const Selection& selection,
    const ContainerOwners& owners, const Limits& limits, EntityTable& entities,
    std::shared_ptr<const Layout> previous, TimestampMs (*clock)()) {
  ContainerScrape parse(source, selection, owners, limits);
  const Result<HttpReply> reply =
      co_await get_page(http, std::move(endpoint), parse, limits, std::move(path));
  if (!reply) co_return reply.error();
  Result<Scrape> scrape = parse.finish(clock(), entities, previous);
  if (scrape.ok()) scrape->reply = *reply;
  co_return scrape;
}

}  // namespace doctor
