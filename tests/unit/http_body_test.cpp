// Heads and bodies without a network: every slicing gives the same answer, and nothing that ends
// badly ends well.
#include "agent/net/body.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <string_view>

#include "agent/net/response_head.hpp"

namespace doctor {
namespace {

constexpr std::size_t kCap = 1U << 20U;
using Framing = BodyShape::Framing;

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct Reading {
  Status status{Done{}};
  bool complete{false};
  std::string text;
};

/// Feeds `wire` in slices of `slice` bytes and ends it like a peer that closes.
Reading read(const BodyShape& shape, std::string_view wire, std::size_t slice,
             std::size_t cap = kCap) {
  StringSink sink;
  BodyReader body(shape, cap, sink);
  Reading reading;
  while (!wire.empty() && reading.status && !body.complete()) {
    const std::string part(wire.substr(0, slice));
    wire.remove_prefix(part.size());
    reading.status = body.feed(part);
  }
  if (reading.status) reading.status = body.finish();
  reading.complete = body.complete();
  reading.text = sink.text;
  return reading;
}

void expect_error(const Reading& reading, ErrorCode code, std::string_view what) {
  ASSERT_FALSE(reading.status.ok()) << what;
  EXPECT_EQ(static_cast<int>(reading.status.error().code), static_cast<int>(code))
      << what << ": " << reading.status.error().message;
}

TEST(HttpBody, ChunksInEverySlicing) {
  const std::string wire =
      "5\r\nhello\r\n1;name=\"v\"\r\n \r\n00A\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t slice = 1; slice <= wire.size(); ++slice) {
    const Reading reading = read({Framing::chunked, 0, false}, wire, slice);
    ASSERT_TRUE(reading.status.ok()) << slice << ": " << reading.status.error().message;
    EXPECT_TRUE(reading.complete);
    EXPECT_EQ(reading.text, "hello 0123456789");
  }
}

TEST(HttpBody, ChunksCutAnywhereAreTruncated) {
  const std::string wire = "5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < wire.size(); ++size) {
    expect_error(read({Framing::chunked, 0, false}, wire.substr(0, size), 3), ErrorCode::truncated,
                 std::to_string(size));
  }
}

TEST(HttpBody, BrokenChunksAreMalformed) {
  for (const char* wire : {"x\r\n", "\r\n", "5\nhello", "5\r\nhelloX\r\n", "5\r\nhello\rX",
                           "-1\r\n", "0x5\r\nhello\r\n", "1234567890123456\r\n", "5\rX", "0\r\n\rX",
                           "5;x\nhello\r\n0\r\n\r\n"}) {
    expect_error(read({Framing::chunked, 0, false}, wire, 2), ErrorCode::malformed, wire);
  }
  const std::string extension = "5;" + std::string(5000, 'x');
  expect_error(read({Framing::chunked, 0, false}, extension, 100), ErrorCode::malformed, "line");
  const std::string trailers = "0\r\n" + std::string(20'000, 'x');
  expect_error(read({Framing::chunked, 0, false}, trailers, 100), ErrorCode::too_large, "trailers");
}

TEST(HttpBody, ContentLengthIsKept) {
  EXPECT_EQ(read({Framing::length, 5, false}, "hello", 2).text, "hello");
  EXPECT_EQ(read({Framing::length, 5, false}, "hello and more", 14).text, "hello");
  EXPECT_TRUE(read({Framing::length, 0, false}, "", 1).status.ok());
  expect_error(read({Framing::length, 6, false}, "hello", 2), ErrorCode::truncated, "short");
}

TEST(HttpBody, UntilCloseEndsWithThePeer) {
  const Reading reading = read({Framing::until_close, 0, false}, "hello", 2);
  EXPECT_TRUE(reading.status.ok());
  EXPECT_EQ(reading.text, "hello");
}

TEST(HttpBody, CapCountsDecodedBytes) {
  EXPECT_TRUE(read({Framing::until_close, 0, false}, "hello", 2, 5).status.ok());
  const Reading over = read({Framing::until_close, 0, false}, "hello!", 2, 5);
  expect_error(over, ErrorCode::too_large, "over");
  EXPECT_LE(over.text.size(), 5U);
}

TEST(HttpBody, GzipInEverySlicing) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "flink_taskmanager_" + std::to_string(i * 7919) + " 1\n";
  const std::string wire = gzip(text);
  for (const std::size_t slice : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, wire.size()}) {
    const Reading reading = read({Framing::length, wire.size(), true}, wire, slice);
    ASSERT_TRUE(reading.status.ok()) << slice << ": " << reading.status.error().message;
    EXPECT_EQ(reading.text, text);
  }
}

TEST(HttpBody, GzipOfSeveralMembersIsOneBody) {
  const std::string wire = gzip("one ") + gzip("") + gzip("two");
  for (std::size_t slice = 1; slice <= wire.size(); ++slice) {
    const Reading reading = read({Framing::length, wire.size(), true}, wire, slice);
    ASSERT_TRUE(reading.status.ok()) << slice << ": " << reading.status.error().message;
    EXPECT_EQ(reading.text, "one two");
  }
}

TEST(HttpBody, GzipCutAnywhereIsTruncated) {
  const std::string wire = gzip("hello, hello, hello");
  for (std::size_t size = 0; size < wire.size(); ++size) {
    expect_error(read({Framing::until_close, 0, true}, wire.substr(0, size), 3),
                 ErrorCode::truncated, std::to_string(size));
  }
}

TEST(HttpBody, DamagedGzipIsMalformed) {
  const std::string good = gzip("hello, hello, hello");
  std::string crc = good;
  crc[crc.size() - 8] = static_cast<char>(crc[crc.size() - 8] ^ 1);
  std::string size = good;
  size.back() = static_cast<char>(size.back() ^ 1);
  for (const std::string& wire : {crc, size, good + "garbage", std::string("no gzip at all"),
                                  std::string("\x78\x9c zlib is not gzip")}) {
    expect_error(read({Framing::until_close, 0, true}, wire, 5), ErrorCode::malformed, "gzip");
  }
}

TEST(HttpBody, BombsStopAtTheCapOrTheRatio) {
  const std::string bomb = gzip(std::string(std::size_t{16} << 20U, '0'));
  expect_error(read({Framing::until_close, 0, true}, bomb, 1000, 100'000), ErrorCode::too_large,
               "cap");
  const Reading ratio = read({Framing::until_close, 0, true}, bomb, 1000, std::size_t{256} << 20U);
  expect_error(ratio, ErrorCode::too_large, "ratio");
  EXPECT_LE(ratio.text.size(), std::size_t{2} << 20U);
}

TEST(HttpBody, SinkErrorsAreTold) {
  struct Refusing final : BodySink {
    Status feed(std::span<const char>) override { return Error{ErrorCode::not_flink, "no"}; }
  } sink;
  BodyReader body({Framing::chunked, 0, false}, kCap, sink);
  const Status fed = body.feed(std::string_view("1\r\nx"));
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().message, "no");
  EXPECT_TRUE(body.sink_failed());
}

Result<ResponseHead> head(std::string_view wire, std::size_t slice, std::size_t cap = 16'384) {
  ResponseHeadReader reader(cap, false);
  while (!wire.empty() && !reader.complete()) {
    const std::string part(wire.substr(0, slice));
    wire.remove_prefix(part.size());
    if (Status fed = reader.feed(part); !fed) return fed.error();
  }
  if (!reader.complete()) return Error{ErrorCode::truncated, "not whole"};
  return reader.head();
}

TEST(HttpHead, SaysHowTheBodyEnds) {
  const auto length = head("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Type: a/b\r\n\r\n", 1);
  ASSERT_TRUE(length.ok()) << length.error().message;
  EXPECT_EQ(length->status, 200);
  EXPECT_EQ(length->content_type, "a/b");
  EXPECT_EQ(length->body.framing, Framing::length);
  EXPECT_EQ(length->body.content_length, 12U);

  const auto chunked =
      head("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Encoding: GZIP\r\n\r\n", 5);
  ASSERT_TRUE(chunked.ok()) << chunked.error().message;
  EXPECT_EQ(chunked->body.framing, Framing::chunked);
  EXPECT_TRUE(chunked->body.gzip);

  const auto close = head("HTTP/1.0 500 Oops\r\n\r\n", 100);
  ASSERT_TRUE(close.ok()) << close.error().message;
  EXPECT_EQ(close->body.framing, Framing::until_close);

  const auto interim = head("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 7);
  ASSERT_TRUE(interim.ok()) << interim.error().message;
  EXPECT_EQ(interim->status, 204);
  EXPECT_EQ(interim->body.framing, Framing::none);
}

TEST(HttpHead, RefusesWhatIsNotHttp) {
  for (const char* wire :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x03", "H2", "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n"}) {
    const auto result = head(wire, 3);
    ASSERT_FALSE(result.ok()) << wire;
    EXPECT_EQ(static_cast<int>(result.error().code), static_cast<int>(ErrorCode::malformed))
        << wire << ": " << result.error().message;
  }
}

TEST(HttpHead, HasACap) {
  const std::string endless = "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x');
  for (const std::size_t slice : {std::size_t{1000}, endless.size()}) {
    const auto result = head(endless, slice);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::too_large);
  }
  std::string interims;
  for (int i = 0; i < 10'000; ++i) interims += "HTTP/1.1 100 Continue\r\n\r\n";
  const auto result = head(interims, 1000);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace doctor
