#include "agent/net/body.hpp"

#include <algorithm>

namespace doctor {
namespace {

constexpr int kSizeDigitsMax = 15;                    // hexadecimal, below 2^60
constexpr std::size_t kSizeLineBytesMax = 1U << 10U;  // with extensions
constexpr std::size_t kTrailerBytesMax = 8U << 10U;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error bad_chunk(const char* what) {
  return {ErrorCode::malformed, std::string("the chunked body is damaged: ") + what};
}

}  // namespace

Status ChunkedDecoder::feed(std::span<const char> wire) {
  while (!wire.empty() && state_ != State::complete) {
    if (state_ == State::data) {
      const std::size_t count =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, wire.size()));
      if (Status fed = next_.feed(wire.first(count)); !fed) return fed;
      wire = wire.subspan(count);
      left_ -= count;
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    if (Status taken = take(wire.front()); !taken) return taken;
    wire = wire.subspan(1);
  }
  surplus_ |= !wire.empty();
  return Done{};
}

Status ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::size:
      return take_size(c);
    case State::extension:
      if (c == '\r') return state_ = State::size_lf, Status(Done{});
      if (++line_bytes_ > kSizeLineBytesMax) return bad_chunk("a size line without end");
      return c == '\n' ? Status(bad_chunk("a bare line feed")) : Status(Done{});
    case State::size_lf:
      return expect(c, '\n', left_ > 0 ? State::data : State::trailer_start);
    case State::data_cr:
      return expect(c, '\r', State::data_lf);
    case State::data_lf:
      left_ = 0;
      digits_ = 0;
      line_bytes_ = 0;
      return expect(c, '\n', State::size);
    case State::trailer_start:
      state_ = c == '\r' ? State::last_lf : State::trailer;
      return Done{};
    case State::trailer:
      if (c == '\r') state_ = State::trailer_lf;
      if (++line_bytes_ > kTrailerBytesMax) {
        return Error{ErrorCode::too_large, "the chunked body has endless trailers"};
      }
      return Done{};
    case State::trailer_lf:
      return expect(c, '\n', State::trailer_start);
    case State::last_lf:
      return expect(c, '\n', State::complete);
    case State::data:
    case State::complete:
      break;
  }
  return Done{};
}

Status ChunkedDecoder::take_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++digits_ > kSizeDigitsMax) return bad_chunk("an absurd chunk size");
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return Done{};
  }
  if (digits_ == 0) return bad_chunk("no chunk size where one belongs");
  if (c == ';' || c == ' ' || c == '\t') return state_ = State::extension, Status(Done{});
  return expect(c, '\r', State::size_lf);
}

Status ChunkedDecoder::expect(char c, char wanted, State then) {
  if (c != wanted) return bad_chunk("an unexpected byte around a chunk");
  state_ = then;
  return Done{};
}

Status BodyReader::CappedSink::feed(std::span<const char> window) {
  if (window.size() > left_bytes) {
    return Error{ErrorCode::too_large, "the body is larger than the cap on decoded bytes"};
  }
  left_bytes -= window.size();
  Status fed = next.feed(window);
  failed = !fed;
  return fed;
}

BodyReader::BodyReader(const BodyShape& shape, std::size_t decoded_bytes_max, BodySink& sink)
    : shape_(shape),
      left_(shape.content_length),
      capped_(sink, decoded_bytes_max),
      gunzip_(shape.gzip ? std::make_unique<Gunzip>(capped_) : nullptr),
      chunks_(decoded()) {}

BodySink& BodyReader::decoded() {
  if (gunzip_) return *gunzip_;
  return capped_;
}

Status BodyReader::feed(std::span<const char> wire) {
  switch (shape_.framing) {
    case BodyShape::Framing::none:
      surplus_ |= !wire.empty();
      return Done{};
    case BodyShape::Framing::chunked:
      return chunks_.feed(wire);
    case BodyShape::Framing::length:
      surplus_ |= wire.size() > left_;
      wire = wire.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, wire.size())));
      left_ -= wire.size();
      break;
    case BodyShape::Framing::until_close:
      break;
  }
  return wire.empty() ? Status(Done{}) : decoded().feed(wire);
}

bool BodyReader::complete() const {
  switch (shape_.framing) {
    case BodyShape::Framing::none:
      return true;
    case BodyShape::Framing::length:
      return left_ == 0;
    case BodyShape::Framing::chunked:
      return chunks_.complete();
    case BodyShape::Framing::until_close:
      break;
  }
  return false;
}

Status BodyReader::finish() const {
  if (shape_.framing == BodyShape::Framing::none) return Done{};
  if (shape_.framing == BodyShape::Framing::length && left_ > 0) {
    return Error{ErrorCode::truncated, "the body ended " + std::to_string(left_) + " bytes short"};
  }
  if (shape_.framing == BodyShape::Framing::chunked && !chunks_.complete()) {
    return Error{ErrorCode::truncated, "the body ended before its last chunk"};
  }
  return gunzip_ ? gunzip_->finish() : Status(Done{});
}

}  // namespace doctor
