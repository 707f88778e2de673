#include "agent/net/gunzip.hpp"

#include <isa-l/igzip_lib.h>

#include <string>
#include <string_view>

namespace doctor {
namespace {

constexpr std::size_t kWindowBytes = 64U << 10U;

// Reporter text shrinks about 40 times. Deflate's best is 1032; above 250 nobody means well.
constexpr std::uint64_t kRatioMax = 250;
constexpr std::uint64_t kRatioFromBytes = 1U << 20U;

std::string_view reason(int code) {
  switch (code) {
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD:
      return "not a gzip stream";
    case ISAL_INCORRECT_CHECKSUM:
      return "its checksum or size is another";
    case ISAL_INVALID_LOOKBACK:
      return "it repeats what was never there";
    default:
      return "no deflate block";
  }
}

Error damaged(int code) {
  return {ErrorCode::malformed, "the gzip body is damaged: " + std::string(reason(code))};
}

}  // namespace

Gunzip::Gunzip(BodySink& next)
    : next_(next),
      stream_(std::make_unique<inflate_state>()),
      window_(std::make_unique<char[]>(kWindowBytes)) {
  isal_inflate_init(stream_.get());
  stream_->crc_flag = ISAL_GZIP;  // neither zlib nor raw deflate; CRC and size are checked
}

Gunzip::~Gunzip() = default;

Status Gunzip::feed(std::span<const char> compressed) {
  bytes_in_ += compressed.size();
  // ISA-L's interface lacks const; it does not write to its input.
  stream_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(compressed.data()));
  stream_->avail_in = static_cast<std::uint32_t>(compressed.size());
  for (bool more = !compressed.empty(); more;) {
    if (Status inflated = inflate_window(); !inflated) return inflated;
    more = stream_->avail_in > 0 || (stream_->avail_out == 0 && !member_ended_);
  }
  return Done{};
}

Status Gunzip::inflate_window() {
  if (member_ended_) {
    isal_inflate_reset(stream_.get());
    magic_bytes_ = 0;
  }
  if (!begins_as_gzip()) return damaged(ISAL_INVALID_WRAPPER);
  stream_->next_out = reinterpret_cast<std::uint8_t*>(window_.get());
  stream_->avail_out = static_cast<std::uint32_t>(kWindowBytes);
  if (const int code = isal_inflate(stream_.get()); code != ISAL_DECOMP_OK) {
    return damaged(code);
  }
  member_ended_ = stream_->block_state == ISAL_BLOCK_FINISH;
  const std::size_t produced = kWindowBytes - stream_->avail_out;
  bytes_out_ += produced;
  if (implausible()) {
    return Error{ErrorCode::too_large, "the gzip body unpacks to more than 250 times its size"};
  }
  if (produced == 0) return Done{};
  return next_.feed({window_.get(), produced});
}

/// ISA-L waits for ten bytes before it looks at the first two; garbage may end before.
bool Gunzip::begins_as_gzip() {
  constexpr std::uint8_t kMagic[] = {0x1f, 0x8b};
  for (std::size_t i = 0; magic_bytes_ < sizeof kMagic && i < stream_->avail_in; ++i) {
    if (stream_->next_in[i] != kMagic[magic_bytes_++]) return false;
  }
  return true;
}

bool Gunzip::implausible() const {
  return bytes_out_ > kRatioFromBytes && bytes_out_ / kRatioMax > bytes_in_;
}

Status Gunzip::finish() const {
  if (member_ended_) return Done{};
  return Error{ErrorCode::truncated, "the gzip body ended before its last block"};
}

}  // namespace doctor
