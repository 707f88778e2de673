#include "agent/recording/decoder.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "agent/recording/format.hpp"
#include "model/limits.hpp"

namespace doctor {
namespace {

constexpr auto kUnknownMetric = static_cast<Metric>(0xFFFF);
constexpr auto kUserMetric = static_cast<Metric>(0xFFFE);

}  // namespace

void Decoder::feed(std::string bytes, bool fresh) {
  bytes_ = std::move(bytes);
  at_ = 0;
  decoded_bytes_ = 0;
  if (!fresh) return;
  texts_.clear();
  names_.clear();
  shared_.clear();
  layouts_.clear();
  columns_.clear();
  retained_bytes_ = 0;
}

void Decoder::define(ClusterIndex cluster, EntityId recorded, EntityId own) {
  if (cluster >= format::kClustersMax || recorded >= Limits{}.entities_per_cluster_max) {
    return fail("an entity out of bounds");
  }
  if (entities_.size() <= cluster) entities_.resize(cluster + 1);
  std::vector<EntityId>& ids = entities_[cluster];
  if (ids.size() <= recorded) ids.resize(recorded + 1, kNoEntity);
  ids[recorded] = own;
}

EntityId Decoder::own_id(ClusterIndex cluster, EntityId recorded) const {
  if (recorded == kClusterEntity) return kClusterEntity;  // every table begins with it
  if (cluster >= entities_.size() || recorded >= entities_[cluster].size()) return kNoEntity;
  return entities_[cluster][recorded];
}

void Decoder::settle(SourceHealth& health) { health.process = own_id(cluster_, health.process); }

Decoder::SharedLayout Decoder::settled(Layout layout) {
  SharedLayout result;
  std::vector<SeriesKey> keys;
  for (const SeriesKey& key : layout.keys) {
    const EntityId entity = own_id(cluster_, key.entity);
    const bool known =
        key.metric != kUnknownMetric && key.metric != kUserMetric && entity != kNoEntity;
    result.known.push_back(known);
    if (known) {
      keys.push_back({key.metric, entity});
    } else if (key.metric != kUserMetric) {
      ++left_out_;
    }
  }
  layout.keys = std::move(keys);
  layout.process = own_id(cluster_, layout.process);
  result.layout = std::make_shared<const Layout>(std::move(layout));
  return result;
}

std::uint64_t Decoder::read_layout() {
  const std::uint64_t code = read_number();
  if (!fault_.empty()) return 0;
  if (code == 1) {
    const std::size_t decoded_before = decoded_bytes_;
    Layout layout;
    read(layout);
    if (!fault_.empty()) return 0;
    layouts_.push_back(settled(std::move(layout)));
    keep(decoded_bytes_ - decoded_before);
    return layouts_.size() - 1;
  }
  if (code < 2 || code - 2 >= layouts_.size()) {
    fail("a layout that was never written");
    return 0;
  }
  return code - 2;
}

void Decoder::read_batch(Batch& batch) {
  if (!names<Batch>().same) return fail("batches of another version");
  auto& [source, at, layout, values] = batch;
  read(source);
  read(at);
  const std::uint64_t place = read_layout();
  if (!fault_.empty()) return;
  layout = layouts_[place].layout;
  read_columns(batch, place, layouts_[place]);
}

void Decoder::read_columns(Batch& batch, std::uint64_t layout_place, const SharedLayout& layout) {
  const std::uint64_t count = read_number();
  if (!fault_.empty()) return;
  if (count != layout.known.size() || count > left() / 8) {
    return fail("not as many values as its layout has keys");
  }
  if (!afford(count * sizeof(double))) return;
  Columns& before = columns_[{cluster_, batch.source}];
  if (before.layout != layout_place || before.bits.size() != count) {
    if (before.bits.size() < count) keep((count - before.bits.size()) * sizeof(std::uint64_t));
    before.layout = layout_place;
    before.bits.assign(count, 0);
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t changed = 0;
    for (std::size_t plane = 0; plane < 8; ++plane) {
      changed = changed << 8U | static_cast<unsigned char>(bytes_[at_ + plane * count + i]);
    }
    before.bits[i] ^= changed;
    if (layout.known[i]) batch.values.push_back(std::bit_cast<double>(before.bits[i]));
  }
  at_ += 8 * count;
}

Metric Decoder::read_metric() {
  static const std::unordered_map<std::string_view, Metric> kByName = [] {
    std::unordered_map<std::string_view, Metric> by_name;
    for (const MetricInfo& about : metric_catalogue()) by_name.emplace(about.name, about.metric);
    return by_name;
  }();
  const std::string name = read_text();
  if (name == format::kUserMetric) return kUserMetric;
  const auto found = kByName.find(name);
  return found == kByName.end() ? kUnknownMetric : found->second;
}

std::uint64_t Decoder::read_number() {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (!fault_.empty()) return 0;
    if (at_ >= bytes_.size()) break;
    const auto byte = static_cast<unsigned char>(bytes_[at_++]);
    number |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return number;
  }
  fail("a number without an end");
  return 0;
}

std::uint64_t Decoder::read_bits() {
  if (left() < 8) {
    fail("a value that is cut off");
    return 0;
  }
  std::uint64_t bits = 0;
  for (unsigned byte = 0; byte < 8; ++byte) {
    bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[at_++])) << (8 * byte);
  }
  return bits;
}

std::string Decoder::read_text() {
  const std::uint64_t code = read_number();
  if (!fault_.empty()) return {};
  if (code >= 2) {
    if (code - 2 >= texts_.size()) {
      fail("a text that was never written");
      return {};
    }
    const std::string& text = texts_[code - 2];
    return afford(text.size()) ? text : std::string{};
  }
  const std::uint64_t size = read_number();
  if (!fault_.empty() || size > left() || !afford(size)) {
    fail("a text that is cut off");
    return {};
  }
  std::string text = bytes_.substr(at_, size);
  at_ += size;
  if (code == 0) {
    keep(size + sizeof(std::string));
    texts_.push_back(text);
  }
  return text;
}

/// Every element takes a byte at least.
std::size_t Decoder::read_count() {
  const std::uint64_t count = read_number();
  if (!fault_.empty()) return 0;
  if (count <= left()) return count;
  fail("more elements than there are bytes");
  return 0;
}

bool Decoder::afford(std::size_t bytes) {
  if (!fault_.empty()) return false;
  decoded_bytes_ += bytes;
  if (decoded_bytes_ <= format::kDecodedBytesMax) return true;
  fail("more than any frame may hold");
  return false;
}

void Decoder::keep(std::size_t bytes) {
  retained_bytes_ += bytes;
  if (retained_bytes_ > format::kRetainedBytesMax) fail("more than any reader may have to keep");
}

void Decoder::fail(std::string why) {
  if (fault_.empty()) fault_ = std::move(why);
}

}  // namespace doctor
