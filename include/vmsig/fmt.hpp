// fmt: formatters of the vocabulary types, for hosts that print with {fmt}. The only header that
// includes it; not part of the umbrella.
#pragma once

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/event/kind.hpp>
#include <vmsig/transport/names.hpp>

/// `slot.generation`, or `-` for nobody.
template <class Tag>
struct fmt::formatter<vmsig::slot_id<Tag>> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(const vmsig::slot_id<Tag>& id, Context& context) const {
        if (!id) return fmt::format_to(context.out(), "-");
        return fmt::format_to(context.out(), "{}.{}", id.slot(), id.generation());
    }
};

template <class Tag>
struct fmt::formatter<vmsig::counter<Tag>> : fmt::formatter<std::uint64_t> {
    template <class Context>
    auto format(const vmsig::counter<Tag>& c, Context& context) const {
        return fmt::formatter<std::uint64_t>::format(c.value, context);
    }
};

/// The enums by their names: refusals, outcomes, verbs, decisions, farewells, ...
template <class E>
requires requires(E e) {
    { vmsig::name_of(e) } -> std::convertible_to<std::string_view>;
}
struct fmt::formatter<E> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(E e, Context& context) const {
        return fmt::formatter<std::string_view>::format(vmsig::name_of(e), context);
    }
};

/// The bus's own kinds by name, the host's by number.
template <>
struct fmt::formatter<vmsig::kind> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(vmsig::kind k, Context& context) const {
        if (k < vmsig::kind::first_host)
            return fmt::formatter<std::string_view>::format(vmsig::traits_of(k).name, context);
        return fmt::format_to(context.out(), "kind {}", static_cast<unsigned>(k));
    }
};
