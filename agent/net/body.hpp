// From wire bytes to decoded body, without a network: framing (Content-Length, chunks, until
// close), then gzip, then the cap on decoded bytes, then the caller's sink. Nothing is held back
// and nothing is allocated from a declared length.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "agent/net/gunzip.hpp"
#include "collectors/http.hpp"

namespace doctor {

struct BodyShape {
  enum class Framing { none, length, chunked, until_close };
  Framing framing{Framing::none};
  std::uint64_t content_length{0};  // framing length only
  bool gzip{false};
};

/// RFC 9112, 7.1. Sizes, extensions and trailers are bounded; CRLF only.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(BodySink& next) : next_(next) {}
  /// Bytes behind the last chunk are no part of it.
  Status feed(std::span<const char> wire);
  bool complete() const { return state_ == State::complete; }
  bool has_surplus() const { return surplus_; }

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    last_lf,
    complete
  };
  Status take(char c);
  Status take_size(char c);
  Status expect(char c, char wanted, State then);

  BodySink& next_;
  State state_{State::size};
  std::uint64_t left_{0};
  int digits_{0};
  std::size_t line_bytes_{0};
  bool surplus_{false};
};

class BodyReader {
 public:
  BodyReader(const BodyShape& shape, std::size_t decoded_bytes_max, BodySink& sink);
  BodyReader(const BodyReader&) = delete;  // the stages refer to each other
  BodyReader& operator=(const BodyReader&) = delete;

  /// Errors: malformed, too_large, or the sink's own. After an error the reader is spent.
  Status feed(std::span<const char> wire);
  /// No more bytes are wanted. Never true for bodies that last until the peer closes.
  bool complete() const;
  /// How many bytes are still to come at least.
  std::uint64_t bytes_left() const { return left_; }
  /// More bytes came than belong to it: whose they are nobody knows.
  bool has_surplus() const { return surplus_ || chunks_.has_surplus(); }
  /// No more bytes will come. truncated unless the body ended as it said it would.
  Status finish() const;
  /// True when the error was the sink's, not the peer's.
  bool sink_failed() const { return capped_.failed; }

 private:
  struct CappedSink final : BodySink {
    CappedSink(BodySink& sink, std::size_t bytes_max) : next(sink), left_bytes(bytes_max) {}
    Status feed(std::span<const char> window) override;
    BodySink& next;
    std::size_t left_bytes;
    bool failed{false};
  };
  BodySink& decoded();

  BodyShape shape_;
  std::uint64_t left_{0};
  bool surplus_{false};
  CappedSink capped_;
  std::unique_ptr<Gunzip> gunzip_;
  ChunkedDecoder chunks_;
};

}  // namespace doctor
