#include "collectors/query_range/slice.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "model/hash.hpp"

namespace doctor::query_range {
namespace {

/// Stores tell labels in order of their names.
std::uint64_t hash_of(std::span<const exposition::Label> labels) {
  std::uint64_t hash = kFnvOffset;
  for (const auto& [name, value] : labels) {
    hash = fnv1a("\n", fnv1a(value, fnv1a("=", fnv1a(name, hash))));
  }
  return hash;
}

}  // namespace

std::vector<Batch> Past::batches(std::size_t step) const {
  std::vector<Batch> all;
  for (const Process& process : processes_) {
    Batch batch;
    batch.source = process.layout->source;
    batch.at = span_.at(step);
    batch.layout = process.layout;
    batch.values.reserve(process.candidates.size());
    bool any = false;
    for (const std::vector<std::size_t>& columns : process.candidates) {
      double value = kAbsent;
      for (auto column = columns.rbegin(); column != columns.rend(); ++column) {
        value = columns_[*column][step];
        if (is_present(value)) break;
      }
      any = any || is_present(value);
      batch.values.push_back(value);
    }
    if (any) all.push_back(std::move(batch));
  }
  return all;
}

Slice::Slice(Span span, const Selection& selection, const Limits& limits)
    : span_(span), selection_(selection), limits_(limits), places_(limits.name_bytes_max) {}

Status Slice::series(std::span<const exposition::Label> labels) {
  takes_ = false;
  const std::string_view family = exposition::value_of(labels, "__name__");
  const auto match = selection_.match(family);
  if (!match) return Done{};
  Sighting sighting;
  sighting.place.metric = match->metric;
  sighting.from_job_manager = family.starts_with(kJobManagerPrefix);
  if (!places_.fill(sighting.place, match->star, sighting.from_job_manager, labels)) {
    ++dropped_;
    return Done{};
  }
  if ((columns_.size() + 1) * span_.steps > limits_.history_samples_max) {
    return Error{ErrorCode::too_large, "more series than this stretch of time may have"};
  }
  sighting.labels = hash_of(labels);
  sighting.first = span_.steps;
  if (sighting.place.metric == Metric::job_restarts) {
    sighting.job_name = exposition::value_of(labels, "job_name").substr(0, limits_.name_bytes_max);
  }
  sighting.host = exposition::value_of(labels, "host").substr(0, limits_.name_bytes_max);
  sightings_.push_back(std::move(sighting));
  columns_.emplace_back(span_.steps, kAbsent);
  takes_ = true;
  return Done{};
}

void Slice::sample(TimestampMs at, double value) {
  if (!takes_ || at < span_.from || at >= span_.end()) return;
  const auto step = static_cast<std::size_t>((at - span_.from) / span_.step);
  const double kept = canonical(sightings_.back().place.metric, value);
  if (!is_present(kept)) return;
  columns_.back()[step] = kept;
  sightings_.back().first = std::min(sightings_.back().first, step);
  ++samples_;
}

Past Slice::finish(Acquaintance& known, EntityTable& entities) && {
  Past past;
  past.span_ = span_;
  past.samples_ = samples_;
  past.dropped_ = dropped_;
  for (Sighting& sighting : sightings_) {
    if (sighting.first == span_.steps) continue;
    const TimestampMs first = span_.at(sighting.first);
    if (known.data_began == 0 || first < known.data_began) known.data_began = first;
    if (known.series.size() < limits_.series_per_cluster_max) {
      known.series.try_emplace(sighting.labels, first);
    }
    const auto met = known.series.find(sighting.labels);
    sighting.begun = met == known.series.end() ? first : met->second;
  }
  note_submissions(known, past);
  place(entities, past);
  arrange(known, past);
  past.columns_ = std::move(columns_);
  return past;
}

void Slice::place(EntityTable& entities, Past& past) {
  ReporterPlaces::Entities find(places_, entities);
  EntityId job_manager = kNoEntity;
  for (Sighting& sighting : sightings_) {
    if (sighting.first == span_.steps) continue;
    if (sighting.from_job_manager && job_manager == kNoEntity) {
      job_manager = entities.intern(Level::process, kClusterEntity, "jobmanager");
    }
    const EntityId process =
        sighting.from_job_manager ? job_manager : find.named_process(sighting.place);
    const EntityId entity = process == kNoEntity ? kNoEntity : find.of(sighting.place);
    if (entity == kNoEntity) {
      ++past.dropped_;
      continue;
    }
    sighting.process = process;
    if (!sighting.from_job_manager) past.hosts_[process] = sighting.host;
    sighting.key = {sighting.place.metric, entity};
  }
}

/// Groups columns by process and key. Of a key that several series have, as after a restart on
/// another host, the one that began last counts; where JobManagers stand by, always the same one.
void Slice::arrange(Acquaintance& known, Past& past) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < sightings_.size(); ++i) {
    if (sightings_[i].process != kNoEntity) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto rank = [](const Sighting& s) {
      return std::tie(s.process, s.key, s.place.attempt, s.begun, s.labels);
    };
    return rank(sightings_[a]) < rank(sightings_[b]);
  });
  for (auto at = order.begin(); at != order.end();) {
    const EntityId process = sightings_[*at].process;
    std::vector<SeriesKey> keys;
    Past::Process of_process;
    for (; at != order.end() && sightings_[*at].process == process; ++at) {
      if (keys.empty() || keys.back() != sightings_[*at].key) {
        keys.push_back(sightings_[*at].key);
        of_process.candidates.emplace_back();
      }
      of_process.candidates.back().push_back(*at);
    }
    std::shared_ptr<const Layout>& layout = known.layouts[process];
    if (!layout || layout->keys != keys) {
      const std::uint64_t version = layout ? layout->version + 1 : 1;
      layout = std::make_shared<const Layout>(
          Layout{history_source(process), version, process, std::move(keys)});
    }
    of_process.layout = layout;
    past.processes_.push_back(std::move(of_process));
  }
}

/// A job whose id was not there before has been submitted. When the store itself began to be told
/// of the cluster, all of them show up at once: that says nothing.
void Slice::note_submissions(Acquaintance& known, Past& past) const {
  constexpr DurationMs kAtOnceMs = 3 * kMinuteMs;
  std::vector<const Sighting*> told;
  for (const Sighting& sighting : sightings_) {
    if (sighting.place.metric != Metric::job_restarts || sighting.first == span_.steps) continue;
    told.push_back(&sighting);
  }
  std::sort(told.begin(), told.end(), [](const Sighting* a, const Sighting* b) {
    return std::tie(a->first, a->labels) < std::tie(b->first, b->labels);
  });
  for (const Sighting* sighting : told) {
    const std::string& id = places_.text(sighting->place.job);
    if (known.jobs.size() >= limits_.series_per_cluster_max) return;
    if (!known.jobs.insert(id).second) continue;
    const TimestampMs at = span_.at(sighting->first);
    if (at - known.data_began <= kAtOnceMs) continue;
    Event submitted;
    submitted.kind = EventKind::job_submitted;
    submitted.at = at;
    submitted.source = kHistoryBit;
    submitted.subject = id;
    submitted.text = sighting->job_name;
    past.submissions_.push_back(std::move(submitted));
  }
}

}  // namespace doctor::query_range
