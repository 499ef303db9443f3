/* Peer: route lookups of DPDK, a million destinations over and over. Usage: lpm EAL-OPTIONS -- t20|t1k|t900k [fib]
 *
 * With "fib", rte_fib alone: rte_lpm looks through all its rules for each that is added, which for 900,000 takes minutes.
 *
 * Measured per table: rte_lpm in bulks of 32, rte_fib (DIR24_8, 2-byte entries) in bulks of 64 with the best lookup this CPU has. Answers are
 * summed, so that no lookup can be left out. Both are asked for every destination first, and must agree. */
#include "common.h"
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_lpm.h>

#define MISS 1000

static struct rte_lpm *lpm;
static struct rte_fib *fib;
static volatile uint64_t sink;

static void pass_lpm(const uint32_t *destinations) {
    uint64_t sum = 0;
    uint32_t found[32];
    for (uint32_t i = 0; i < DESTINATIONS; i += 32) {
        rte_lpm_lookup_bulk(lpm, destinations + i, found, 32);
        for (int k = 0; k < 32; k++) sum += found[k] & 0xffffff;
    }
    sink += sum;
}

static void pass_fib(const uint32_t *destinations) {
    uint64_t sum = 0, found[64];
    for (uint32_t i = 0; i < DESTINATIONS; i += 64) {
        rte_fib_lookup_bulk(fib, (uint32_t *)destinations + i, found, 64);
        for (int k = 0; k < 64; k++) sum += found[k];
    }
    sink += sum;
}

static double rate(void (*pass)(const uint32_t *), const uint32_t *destinations) {
    uint64_t passes = 0;
    double begin = cpu_seconds(), taken;
    do {
        pass(destinations);
        passes++;
    } while ((taken = cpu_seconds() - begin) < MEASURE_SECONDS);
    return (double)passes * DESTINATIONS / taken / 1e6;
}

static uint32_t disagreements(const uint32_t *destinations) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < DESTINATIONS; i++) {
        uint32_t by_lpm = MISS, address = destinations[i];
        uint64_t by_fib;
        if (rte_lpm_lookup(lpm, address, &by_lpm)) by_lpm = MISS;
        rte_fib_lookup_bulk(fib, &address, &by_fib, 1);
        count += by_lpm != by_fib;
    }
    return count;
}

int main(int argc, char **argv) {
    int used = rte_eal_init(argc, argv);
    if (used < 0 || argc - used < 2 || argc - used > 3) return 2;
    const char *name = argv[used + 1];
    int with_lpm = argc - used == 2;
    struct table table = named_table(name);
    struct rte_lpm_config lpm_config = {.max_rules = table.count + 1024, .number_tbl8s = 256};
    struct rte_fib_conf fib_config = {
        .type = RTE_FIB_DIR24_8,
        .default_nh = MISS,
        .max_routes = (int)table.count + 1024,
        .dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_2B, .num_tbl8 = 100},
    };
    lpm = rte_lpm_create("lpm", 0, &lpm_config);
    fib = rte_fib_create("fib", 0, &fib_config);
    if (!lpm || !fib) {
        fprintf(stderr, "no table: %s\n", rte_strerror(rte_errno));
        return 1;
    }
    double begin = cpu_seconds();
    for (uint32_t i = 0; with_lpm && i < table.count; i++) {
        const struct route *route = &table.routes[i];
        if (rte_lpm_add(lpm, route->prefix, route->length, route->next_hop)) return 1;
    }
    double lpm_built = cpu_seconds();
    for (uint32_t i = 0; i < table.count; i++) {
        const struct route *route = &table.routes[i];
        if (rte_fib_add(fib, route->prefix, route->length, route->next_hop)) return 1;
    }
    double fib_built = cpu_seconds();
    int vector = !rte_fib_select_lookup(fib, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
    uint32_t *uniform = uniform_destinations(&table), *zipf = zipf_destinations(&table);
    uint32_t wrong = !with_lpm ? 0 : disagreements(uniform) + disagreements(zipf);
    if (wrong) {
        fprintf(stderr, "rte_lpm and rte_fib differ on %u destinations\n", wrong);
        return 1;
    }
    printf("ready build_lpm_s %.3f build_fib_s %.3f avx512 %d\n", lpm_built - begin, fib_built - lpm_built, vector);
    while (asked()) {
        if (with_lpm) {
            printf("rte_lpm_uniform %.2f ", rate(pass_lpm, uniform));
            printf("rte_lpm_zipf %.2f ", rate(pass_lpm, zipf));
        }
        printf("rte_fib_uniform %.2f ", rate(pass_fib, uniform));
        printf("rte_fib_zipf %.2f\n", rate(pass_fib, zipf));
    }
    return 0;
}
