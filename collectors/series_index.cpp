#include "collectors/series_index.hpp"

#include <algorithm>
#include <tuple>

namespace doctor {
namespace {

/// Raw keys are hashes already.
std::uint64_t hash_of(const RawKey& raw) { return raw.high ^ raw.low; }

/// Of one series: the newest attempt, then the first in the body.
bool counts_before(std::int32_t attempt, std::uint32_t order, std::int32_t other_attempt,
                   std::uint32_t other_order) {
  return std::tuple(other_attempt, order) < std::tuple(attempt, other_order);
}

/// A line that stands in the body more than once is one sighting, its first. Gives how many went.
std::uint64_t erase_repeated(std::vector<SeriesIndex::Sighting>& sightings) {
  std::sort(sightings.begin(), sightings.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.raw, a.order) < std::tuple(b.raw, b.order);
  });
  const auto end = std::unique(sightings.begin(), sightings.end(),
                               [](const auto& a, const auto& b) { return a.raw == b.raw; });
  const auto repeated = static_cast<std::uint64_t>(sightings.end() - end);
  sightings.erase(end, sightings.end());
  std::sort(sightings.begin(), sightings.end(),
            [](const auto& a, const auto& b) { return a.order < b.order; });
  return repeated;
}

}  // namespace

void SeriesIndex::begin(const EntityTable& entities) {
  for (Entry& entry : entries_) entry.order = 0;
  seen_ = expected_ = 0;
  repeated_ = 0;
  order_ = process_order_ = 0;
  process_ = kNoEntity;
  drop_released(entities);
}

bool SeriesIndex::stage(const RawKey& raw, double value) {
  const bool as_expected = expected_ < entries_.size() && entries_[expected_].raw == raw;
  const std::uint32_t index = as_expected ? static_cast<std::uint32_t>(expected_) : find(raw);
  if (index == kNone) return false;
  Entry& entry = entries_[index];
  expected_ = index + 1;
  if (entry.order != 0) {
    ++repeated_;
    return true;
  }
  entry.order = next_order();
  entry.value = value;
  ++seen_;
  if (process_ == kNoEntity && entry.process != kNoEntity) {
    process_ = entry.process;
    process_order_ = entry.order;
  }
  return true;
}

SeriesIndex::Commit SeriesIndex::commit(SourceId source, TimestampMs at, EntityId process,
                                        std::vector<Sighting> newcomers,
                                        const EntityTable& entities) {
  drop_released(entities);
  Commit done;
  done.duplicate = repeated_ + erase_repeated(newcomers);
  const auto named = std::find_if(newcomers.begin(), newcomers.end(),
                                  [](const auto& s) { return s.process != kNoEntity; });
  if (named != newcomers.end() && (process_ == kNoEntity || named->order < process_order_)) {
    process = named->process;
  } else if (process_ != kNoEntity) {
    process = process_;
  }
  const bool unchanged = layout_ && newcomers.empty() && !incomplete_ && seen_ == entries_.size() &&
                         layout_->process == process;
  if (!unchanged) rebuild(source, process, std::move(newcomers));
  done.batch = {source, at, layout_, values(done.duplicate)};
  return done;
}

/// Everything that was seen in this body, and nothing else, is what is known from now on.
void SeriesIndex::rebuild(SourceId source, EntityId process, std::vector<Sighting> sightings) {
  for (const Entry& entry : entries_) {
    if (entry.order == 0) continue;
    sightings.push_back({entry.raw, layout_->keys[entry.place], entry.process, entry.attempt,
                         entry.order, entry.bytes, entry.value});
  }
  std::vector<SeriesKey> keys;
  keys.reserve(sightings.size());
  for (const Sighting& sighting : sightings) keys.push_back(sighting.series);
  // By key, so that a reporter that prints its families in another order keeps its layout.
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());

  std::sort(sightings.begin(), sightings.end(),
            [](const auto& a, const auto& b) { return a.order < b.order; });
  std::vector<Entry> entries;
  entries.reserve(sightings.size());
  for (const Sighting& seen : sightings) {
    const auto place = std::lower_bound(keys.begin(), keys.end(), seen.series) - keys.begin();
    entries.push_back({seen.raw, seen.value, seen.order, static_cast<std::uint32_t>(place),
                       seen.bytes, seen.attempt, seen.process});
  }
  entries_ = std::move(entries);
  winners_ = std::vector<std::uint32_t>(keys.size());
  index();
  incomplete_ = false;
  if (layout_ && layout_->process == process && layout_->keys == keys) return;
  const std::uint64_t version = layout_ ? layout_->version + 1 : 1;
  keys.shrink_to_fit();
  layout_ = std::make_shared<const Layout>(Layout{source, version, process, std::move(keys)});
}

/// One per place of the layout; every entry was seen.
std::vector<double> SeriesIndex::values(std::uint64_t& duplicate) {
  std::fill(winners_.begin(), winners_.end(), kNone);
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    std::uint32_t& winner = winners_[entries_[i].place];
    if (winner == kNone) {
      winner = i;
      continue;
    }
    ++duplicate;
    const Entry& other = entries_[winner];
    if (counts_before(entries_[i].attempt, entries_[i].order, other.attempt, other.order)) {
      winner = i;
    }
  }
  std::vector<double> values(winners_.size());
  for (std::size_t place = 0; place < values.size(); ++place) {
    values[place] = canonical(layout_->keys[place].metric, entries_[winners_[place]].value);
  }
  return values;
}

/// A released entity's number may already be another's.
void SeriesIndex::drop_released(const EntityTable& entities) {
  if (entities.releases() == releases_) return;
  const std::size_t dropped = std::erase_if(entries_, [&](const Entry& entry) {
    const bool stands =
        entities.stands_since(layout_->keys[entry.place].entity, releases_) &&
        (entry.process == kNoEntity || entities.stands_since(entry.process, releases_));
    if (!stands && entry.order != 0) --seen_;
    return !stands;
  });
  releases_ = entities.releases();
  if (dropped == 0) return;
  incomplete_ = true;
  expected_ = 0;
  index();
}

std::uint32_t SeriesIndex::find(const RawKey& raw) const {
  return rows_.find(hash_of(raw), [&](std::uint32_t index) { return entries_[index].raw == raw; });
}

void SeriesIndex::index() {
  rows_.rebuild(entries_.size(), entries_.size(),
                [&](std::uint32_t index) { return hash_of(entries_[index].raw); });
}

}  // namespace doctor
