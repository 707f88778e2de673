#include "agent/net/gunzip.hpp"

#include <zlib.h>

#include <string>

namespace doctor {
namespace {

constexpr std::size_t kWindowBytes = 64U << 10U;
constexpr int kGzipOnly = 16 + MAX_WBITS;  // neither zlib nor raw deflate

// Reporter text shrinks about 40 times. Deflate's best is 1032; above 250 nobody means well.
constexpr std::uint64_t kRatioMax = 250;
constexpr std::uint64_t kRatioFromBytes = 1U << 20U;

}  // namespace

Gunzip::Gunzip(BodySink& next)
    : next_(next),
      stream_(std::make_unique<z_stream_s>()),
      window_(std::make_unique<char[]>(kWindowBytes)),
      usable_(inflateInit2(stream_.get(), kGzipOnly) == Z_OK) {}

Gunzip::~Gunzip() {
  if (usable_) inflateEnd(stream_.get());
}

Status Gunzip::feed(std::span<const char> compressed) {
  if (!usable_) return Error{ErrorCode::io, "zlib could not be initialised"};
  bytes_in_ += compressed.size();
  // zlib's interface lacks const; it does not write to its input.
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream_->avail_in = static_cast<uInt>(compressed.size());
  for (bool more = !compressed.empty(); more;) {
    if (Status inflated = inflate_window(); !inflated) return inflated;
    more = stream_->avail_in > 0 || (stream_->avail_out == 0 && !member_ended_);
  }
  return Done{};
}

Status Gunzip::inflate_window() {
  if (member_ended_) inflateReset(stream_.get());
  stream_->next_out = reinterpret_cast<Bytef*>(window_.get());
  stream_->avail_out = static_cast<uInt>(kWindowBytes);
  const int code = inflate(stream_.get(), Z_NO_FLUSH);
  if (code == Z_MEM_ERROR) return Error{ErrorCode::io, "no memory for zlib"};
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
    const std::string reason = stream_->msg != nullptr ? stream_->msg : "not a gzip stream";
    return Error{ErrorCode::malformed, "the gzip body is damaged: " + reason};
  }
  member_ended_ = code == Z_STREAM_END;
  const std::size_t produced = kWindowBytes - stream_->avail_out;
  bytes_out_ += produced;
  if (implausible()) {
    return Error{ErrorCode::too_large, "the gzip body unpacks to more than 250 times its size"};
  }
  if (produced == 0) return Done{};
  return next_.feed({window_.get(), produced});
}

bool Gunzip::implausible() const {
  return bytes_out_ > kRatioFromBytes && bytes_out_ / kRatioMax > bytes_in_;
}

Status Gunzip::finish() const {
  if (member_ended_) return Done{};
  return Error{ErrorCode::truncated, "the gzip body ended before its last block"};
}

}  // namespace doctor
