#include "model/floors.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace doctor {
namespace {

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();
constexpr DurationMs kBinMs = kFloorWidthsMs.front();
constexpr std::int64_t kBinsPerHour = kHourMs / kBinMs;
constexpr std::int64_t kBinsMax = kHourlyFloors * kBinsPerHour;
constexpr double kCodesPerDoubling = 1000;
constexpr int kSparsePartsMin = 9;  // bins of five minutes from which single looks make a floor
constexpr std::int64_t kEpochBinsMin = 24;
constexpr std::int64_t kBinNumberMax = 1'000'000'000'000;  // far beyond any date

/// A logarithmic code: 16 bits hold 0 … 2^65 to one part in 1,400.
std::uint16_t encode(double value) {
  const double code = 1 + std::round(kCodesPerDoubling * std::log2(1 + std::max(0.0, value)));
  return static_cast<std::uint16_t>(std::min(code, 65535.0));
}

double decode(std::uint16_t code) { return std::exp2((code - 1) / kCodesPerDoubling) - 1; }

std::size_t place(std::int64_t index, std::int64_t size) {
  return static_cast<std::size_t>(((index % size) + size) % size);
}

/// Bins of a scale that have ended when so many of five minutes have; both from the epoch on.
template <FloorScale kScale>
std::int64_t whole_bins(std::int64_t ended) {
  constexpr std::int64_t kParts = width_ms(kScale) / kBinMs;
  return (ended - static_cast<std::int64_t>(place(ended, kParts))) / kParts;
}

std::int64_t bin_of(TimestampMs at) { return at >= 0 ? at / kBinMs : (at - kBinMs + 1) / kBinMs; }

void put_hex(std::string& text, std::uint64_t bits, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    text.push_back("0123456789abcdef"[(bits >> static_cast<unsigned>(shift)) & 15U]);
  }
}

std::optional<std::uint64_t> take_hex(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  std::uint64_t bits = 0;
  const char* end = text.data() + digits;
  const auto [stop, fault] = std::from_chars(text.data(), end, bits, 16);
  if (fault != std::errc{} || stop != end) return std::nullopt;
  text.remove_prefix(digits);
  return bits;
}

}  // namespace

void Floors::add(const Sample& sample) {
  const std::int64_t bin = bin_of(sample.at);
  if (bin < 0 || bin > kBinNumberMax) return;
  const bool fresh = newest_ == kNever || bin > newest_ + kBinsMax;
  if (fresh || bin < newest_ - kDayMs / kBinMs) {
    *this = Floors{};
    for (Ring& ring : rings_) ring.fill(kGap);
    newest_ = bin - 1;
  }
  if (bin <= newest_) return;
  close_until(bin);
  const auto value = static_cast<float>(sample.value);
  open_ = quarters_ == 0 ? value : std::min(open_, value);
  const auto quarter = static_cast<unsigned>((sample.at - bin * kBinMs) / (kBinMs / 4));
  quarters_ |= static_cast<std::uint8_t>(1U << quarter);
}

bool Floors::is_thin(std::int64_t bin) const {
  return ((thin_ >> place(bin, kFloorsPerScale)) & 1U) != 0;
}

void Floors::close_until(std::int64_t bin) {
  while (newest_ + 1 < bin) close_bin();
}

void Floors::close_bin() {
  const std::int64_t bin = ++newest_;
  slot(FloorScale::five_minutes, bin) = quarters_ == 0 ? kGap : open_;
  const std::uint32_t bit = std::uint32_t{1} << place(bin, kFloorsPerScale);
  thin_ = std::popcount(quarters_) == 1 ? thin_ | bit : thin_ & ~bit;
  quarters_ = 0;
  fold(bin, FloorScale::five_minutes, 3, FloorScale::quarter_hour);
  fold(bin, FloorScale::five_minutes, 9, FloorScale::three_quarters);
  // Three hours are more bins of five minutes than are kept.
  fold(bin, FloorScale::three_quarters, 4, FloorScale::three_hours);
  if ((bin + 1) % kBinsPerHour != 0) return;
  const float lowest_of_hour = lowest(FloorScale::five_minutes, bin, kBinsPerHour);
  hours_[place(bin / kBinsPerHour, kHourlyFloors)] =
      std::isnan(lowest_of_hour) ? std::uint16_t{0} : encode(lowest_of_hour);
}

/// Closes the bin of `into` that ends with this bin of five minutes, if one does.
void Floors::fold(std::int64_t bin, FloorScale from, int parts, FloorScale into) {
  const std::int64_t per_bin = width_ms(into) / kBinMs;
  if ((bin + 1) % per_bin != 0) return;
  const std::int64_t last = (bin + 1) / (width_ms(from) / kBinMs) - 1;
  slot(into, (bin + 1) / per_bin - 1) = lowest(from, last, parts);
}

float Floors::lowest(FloorScale from, std::int64_t last, int parts) const {
  float low = std::numeric_limits<float>::infinity();
  float low_of_looks = low;  // single ones too
  int present = 0;
  std::array<bool, 3> thirds{};
  for (int part = 0; part < parts; ++part) {
    const std::int64_t bin = last - parts + 1 + part;
    const float floor = rings_[static_cast<std::size_t>(from)][place(bin, kFloorsPerScale)];
    if (std::isnan(floor)) continue;
    low_of_looks = std::min(low_of_looks, floor);
    thirds.at(static_cast<std::size_t>(3 * part / parts)) = true;
    if (from == FloorScale::five_minutes && is_thin(bin)) continue;
    low = std::min(low, floor);
    ++present;
  }
  if (2 * present >= parts) return low;
  // A budget of calls may let looks come ten minutes apart: fewer, but spread as evenly.
  const bool spread = thirds[0] && thirds[1] && thirds[2];
  const bool sparse = from == FloorScale::five_minutes && parts >= kSparsePartsMin && spread;
  return sparse ? low_of_looks : kGap;
}

float& Floors::slot(FloorScale scale, std::int64_t bin) {
  return rings_[static_cast<std::size_t>(scale)][place(bin, kFloorsPerScale)];
}

// Asked for each floor that is read: constants spare the processor its divisions.
std::int64_t Floors::newest(FloorScale scale) const {
  const std::int64_t ended = newest_ + 1;
  switch (scale) {
    case FloorScale::five_minutes:
      break;
    case FloorScale::quarter_hour:
      return whole_bins<FloorScale::quarter_hour>(ended) - 1;
    case FloorScale::three_quarters:
      return whole_bins<FloorScale::three_quarters>(ended) - 1;
    case FloorScale::three_hours:
      return whole_bins<FloorScale::three_hours>(ended) - 1;
  }
  return newest_;
}

std::int64_t Floors::newest_hour() const {
  const std::int64_t ended = newest_ + 1;
  return (ended - static_cast<std::int64_t>(place(ended, kBinsPerHour))) / kBinsPerHour - 1;
}

std::optional<double> Floors::at(FloorScale scale, std::int64_t bin) const {
  if (empty()) return std::nullopt;
  const std::int64_t last = newest(scale);
  if (bin > last || bin <= last - kFloorsPerScale) return std::nullopt;
  if (scale == FloorScale::five_minutes && is_thin(bin)) return std::nullopt;
  const float floor = rings_[static_cast<std::size_t>(scale)][place(bin, kFloorsPerScale)];
  if (std::isnan(floor)) return std::nullopt;
  return floor;
}

std::optional<double> Floors::hour(std::int64_t hour) const {
  if (empty()) return std::nullopt;
  const std::int64_t last = newest_hour();
  if (hour > last || hour <= last - kHourlyFloors) return std::nullopt;
  const std::uint16_t code = hours_[place(hour, kHourlyFloors)];
  if (code == 0) return std::nullopt;
  return decode(code);
}

std::string Floors::image() const {
  std::string text;
  put_hex(text, static_cast<std::uint64_t>(newest_), 16);
  for (const Ring& ring : rings_) {
    for (const float floor : ring) put_hex(text, std::bit_cast<std::uint32_t>(floor), 8);
  }
  for (const std::uint16_t code : hours_) put_hex(text, code, 4);
  put_hex(text, std::bit_cast<std::uint32_t>(open_), 8);
  put_hex(text, quarters_, 2);
  if (thin_ != 0) put_hex(text, thin_, 8);
  return text;
}

bool Floors::restore(std::string_view image) {
  Floors read;
  const auto newest = take_hex(image, 16);
  if (!newest || *newest > static_cast<std::uint64_t>(kBinNumberMax)) return false;
  read.newest_ = static_cast<std::int64_t>(*newest);
  for (Ring& ring : read.rings_) {
    for (float& floor : ring) {
      const auto bits = take_hex(image, 8);
      if (!bits) return false;
      floor = std::bit_cast<float>(static_cast<std::uint32_t>(*bits));
    }
  }
  for (std::uint16_t& code : read.hours_) {
    const auto bits = take_hex(image, 4);
    if (!bits) return false;
    code = static_cast<std::uint16_t>(*bits);
  }
  // The first version forgot the open bin.
  if (!image.empty()) {
    const auto open = take_hex(image, 8);
    const auto quarters = take_hex(image, 2);
    const auto thin = image.empty() ? std::optional<std::uint64_t>(0) : take_hex(image, 8);
    if (!open || !quarters || !thin || !image.empty()) return false;
    read.thin_ = static_cast<std::uint32_t>(*thin);
    read.open_ = std::bit_cast<float>(static_cast<std::uint32_t>(*open));
    read.quarters_ = static_cast<std::uint8_t>(*quarters);
  }
  *this = read;
  return true;
}

std::optional<EpochSummary> summarize(const Floors& floors) {
  if (floors.empty()) return std::nullopt;
  // The finest scale that still shows its beginning; a life beyond them all shows its last days.
  for (const FloorScale scale : kFloorScales) {
    const std::int64_t newest = floors.newest(scale);
    std::int64_t first = newest - kFloorsPerScale + 1;
    const bool coarsest = scale == kFloorScales.back();
    if (floors.at(scale, first) && !coarsest) continue;
    while (first <= newest && !floors.at(scale, first)) ++first;
    if (first > newest && !coarsest) continue;  // looks too far apart for this scale
    const std::int64_t bins = newest - first + 1;
    if (bins * width_ms(scale) < kEpochBinsMin * kBinMs ||
        bins < static_cast<std::int64_t>(kEpochLevels)) {
      return std::nullopt;
    }
    EpochSummary summary;
    summary.from = first * width_ms(scale);
    summary.to = (newest + 1) * width_ms(scale);
    summary.levels.fill(kGap);
    for (std::int64_t bin = first; bin <= newest; ++bin) {
      const auto floor = floors.at(scale, bin);
      if (!floor) continue;
      const auto part = (bin - first) * static_cast<std::int64_t>(kEpochLevels) / bins;
      float& level = summary.levels[static_cast<std::size_t>(part)];
      level = std::isnan(level) ? static_cast<float>(*floor)
                                : std::min(level, static_cast<float>(*floor));
    }
    return summary;
  }
  return std::nullopt;
}

}  // namespace doctor
