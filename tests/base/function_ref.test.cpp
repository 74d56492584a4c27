// Rule: a function_ref calls the very object that it borrows, with the arguments as they are.
#include <vmsig/base/function_ref.hpp>

#include <memory>

#include <support/catch.hpp>

#include <support/alloc_guard.hpp>

using namespace vmsig;

namespace {

int call(function_ref<int(int)> f, int n) { return f(n); }
int twice(int n) { return 2 * n; }

struct accumulator {
    int sum = 0;
    int operator()(int n) { return sum += n; }
};

} // namespace

TEST_CASE("a lambda, a function object and a constant one are called") {
    CHECK(call([](int n) { return n + 1; }, 4) == 5);
    accumulator sum;
    call(sum, 3);
    call(sum, 4);
    CHECK(sum.sum == 7);
    const auto constant = [](int n) { return n - 1; };
    CHECK(call(constant, 4) == 3);
}

TEST_CASE("a copy calls the same object") {
    accumulator sum;
    const function_ref<int(int)> first{sum};
    const function_ref<int(int)> second{first};
    first(1);
    second(1);
    CHECK(sum.sum == 2);
}

TEST_CASE("arguments are forwarded, and a result may be dropped") {
    std::unique_ptr<int> kept;
    auto keep = [&](std::unique_ptr<int> p) {
        kept = std::move(p);
        return 5;
    };
    const function_ref<void(std::unique_ptr<int>)> f{keep};
    f(std::make_unique<int>(3));
    REQUIRE(kept);
    CHECK(*kept == 3);
}

TEST_CASE("a function_ref is two words and allocates nothing") {
    STATIC_REQUIRE(sizeof(function_ref<int(int)>) == 2 * sizeof(void*));
    char large[1000] = {1};
    int result = 0;
    const auto count =
        test::allocations_in([&] { result = call([large](int n) { return n + large[0]; }, 4); });
    CHECK(count == 0);
    CHECK(result == 5);
}

TEST_CASE("what cannot be called or borrowed is refused at the call site") {
    STATIC_REQUIRE(!std::is_constructible_v<function_ref<int(int)>, int>);
    STATIC_REQUIRE(!std::is_constructible_v<function_ref<int(int)>, decltype(twice)&>);
    STATIC_REQUIRE(!std::is_default_constructible_v<function_ref<int(int)>>);
    CHECK(call([](int n) { return twice(n); }, 4) == 8);
}
