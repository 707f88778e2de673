// scrape_reporter: what is asked of the process, and how each end of the exchange is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "collectors/reporter.hpp"

namespace doctor {
namespace {

/// Answers every exchange in windows of five bytes.
class FakeHttp final : public Http {
 public:
  boost::asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                                     HttpCaps caps) override {
    asked = std::move(request);
    caps_asked = caps;
    HttpReply head;
    head.status = status;
    sink.begin(head);
    for (std::size_t at = 0; at < body.size(); at += 5) {
      const std::string window = body.substr(at, 5);
      const Status fed = sink.feed(window);
      if (!fed.ok()) co_return fed.error();
    }
    if (failure) co_return *failure;
    head.wire_bytes = body.size();
    co_return head;
  }
  int status{200};
  std::string body{"flink_jobmanager_Status_JVM_Threads_Count{host=\"h\",} 50.0\n"};
  std::optional<Error> failure;
  HttpRequest asked;
  HttpCaps caps_asked;
};

struct Get {
  Limits limits;
  EntityTable entities{1000};
  Selection selection{{Metric::jvm_threads}};
  SeriesIndex known;
  FakeHttp http;

  Result<Scrape> run() {
    std::optional<Result<Scrape>> result;
    boost::asio::io_context loop;
    boost::asio::co_spawn(loop, run_into(result),
                          [](std::exception_ptr bug) { EXPECT_EQ(bug, nullptr); });
    loop.run();
    return result.value();
  }

 private:
  boost::asio::awaitable<void> run_into(std::optional<Result<Scrape>>& result) {
    const Endpoint endpoint{"tm-1", 9249, "/prefix"};
    result.emplace(co_await scrape_reporter(http, endpoint, 3, selection, limits, entities, known,
                                            [] { return TimestampMs{42}; }));
  }
};

TEST(ReporterGet, AsksForMetricsAndGivesABatch) {
  Get get;
  const Result<Scrape> scrape = get.run();
  ASSERT_TRUE(scrape.ok());
  EXPECT_EQ(get.http.asked.target, "/metrics");
  EXPECT_EQ(get.http.asked.endpoint.path_prefix, "/prefix");
  EXPECT_FALSE(get.http.asked.accept_gzip) << "its TaskManager would have to pack every page";
  EXPECT_EQ(get.http.caps_asked.deadline_ms, get.limits.reporter_deadline_ms);
  EXPECT_EQ(get.http.caps_asked.decoded_bytes_max, get.limits.reporter_body_bytes_max);
  EXPECT_THAT(scrape->batch.values, ::testing::ElementsAre(50.0));
  EXPECT_EQ(scrape->batch.at, 42);
  EXPECT_EQ(scrape->batch.source, 3U);
  EXPECT_EQ(scrape->reply.wire_bytes, get.http.body.size());
}

TEST(ReporterGet, AsksForGzipWhereItIsWanted) {
  Get get;
  get.limits.scrapes_gzip = true;
  ASSERT_TRUE(get.run().ok());
  EXPECT_TRUE(get.http.asked.accept_gzip);
}

TEST(ReporterGet, GivesNothingOfABodyThatBrokeOff) {
  Get get;
  get.http.failure = Error{ErrorCode::truncated, "the body ended early"};
  const Result<Scrape> scrape = get.run();
  ASSERT_FALSE(scrape.ok());
  EXPECT_EQ(scrape.error().code, ErrorCode::truncated);
  EXPECT_EQ(get.entities.size(), 1U);
}

TEST(ReporterGet, DoesNotReadErrorPages) {
  Get get;
  get.http.status = 500;
  const Result<Scrape> scrape = get.run();
  ASSERT_FALSE(scrape.ok());
  EXPECT_EQ(scrape.error().code, ErrorCode::http_status);
  EXPECT_THAT(scrape.error().message, ::testing::HasSubstr("500"));
  EXPECT_EQ(get.entities.size(), 1U);
}

TEST(ReporterGet, SaysNotFlink) {
  Get get;
  get.http.body = "<html></html>";
  const Result<Scrape> scrape = get.run();
  ASSERT_FALSE(scrape.ok());
  EXPECT_EQ(scrape.error().code, ErrorCode::not_flink);
}

}  // namespace
}  // namespace doctor
