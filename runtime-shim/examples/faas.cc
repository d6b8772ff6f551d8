/*
 * A host that serves every request, a line of its input, from a fresh instance.
 *
 *     wasmaot compile runtime-shim/examples/faas.wat -o faas.so
 *     runtime-shim/capi/install.sh
 *     c++ -std=c++17 runtime-shim/examples/faas.cc $(pkg-config --cflags --libs wasmaot) -o faas
 *     printf '27\nx\n0\n97\n' | ./faas faas.so
 */
#include <iostream>
#include <string>
#include <wasmaot.hpp>

/* What host functions know of the request. */
struct Request {
    std::int64_t peak = 0;
};

/* Says what went wrong, and where. */
static void report(const wasmaot::Error &error) {
    const std::string message = error.what();
    const auto [frames, count] = error.frames();
    std::cout << message.substr(0, message.find('\n'));
    if (count > 0 && frames[0].name != nullptr) {
        std::cout << " in " << frames[0].name;
    }
    std::cout << "\n";
}

/* Writes the request into the guest, lets it work, and reads its answer. */
static std::string answer(const wasmaot::Func &handle, const wasmaot::Instance &instance, const std::string &line) {
    instance.write(0, line);
    const auto length = static_cast<std::uint32_t>(line.size());
    const auto [at, bytes] = handle.call<std::tuple<std::uint32_t, std::uint32_t>>(instance, length);
    return instance.read(at, bytes);
}

static void serve(const std::string &path) {
    wasmaot::Linker linker;
    linker.func("faas", "peak", [](wasmaot::Caller caller, std::int64_t peak) { caller.data<Request>()->peak = peak; });
    const auto linked = linker.link(wasmaot::Module::open(path.c_str()));
    const auto handle = linked.func("handle");
    wasmaot_pool_config_t config{};
    config.slots = 16;
    const wasmaot::Pool pool(config);
    for (std::string line; std::getline(std::cin, line);) {
        Request request;
        wasmaot_start_t start{};
        start.data = &request;
        start.limits.deadline = 1000000000; /* one second */
        auto instance = pool.start(linked, start);
        std::cout << line << ": ";
        try {
            const std::string text = answer(handle, instance, line);
            std::cout << text << ", peak " << request.peak << "\n";
        } catch (const wasmaot::Error &error) {
            report(error);
        }
        std::cout << "  used " << std::move(instance).finish().memory << " bytes of memory\n";
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: faas ARTIFACT\n";
        return 1;
    }
    try {
        serve(argv[1]);
        return 0;
    } catch (const wasmaot::Error &error) {
        report(error);
        return 1;
    }
}
