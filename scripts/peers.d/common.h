/* What the DPDK peers share: route tables, destinations, the clock, and measuring when asked.
 *
 * Protocol with scripts/peers: the program prints "ready", then for every line on its standard input it measures once and prints a line of
 * "name value" pairs. So the peers and vpcsim take turns while tables stay built. Rates are per second of CPU time of this thread. */
#ifndef PEERS_COMMON_H
#define PEERS_COMMON_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct route {
    uint32_t prefix;
    uint8_t length;
    uint16_t next_hop;
};

struct table {
    struct route *routes;
    uint32_t count;
};

#define DESTINATIONS (1u << 20)

static uint64_t random_state = 20261121;

/* splitmix64 */
static uint64_t random_bits(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t random_below(uint32_t bound) {
    return (uint32_t)((random_bits() >> 32) * bound >> 32);
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *zeroed(size_t count, size_t size) {
    void *bytes = calloc(count, size);
    if (!bytes) {
        perror("calloc");
        exit(1);
    }
    return bytes;
}

static uint32_t mask_of(unsigned length) {
    return length ? 0xffffffffu << (32 - length) : 0;
}

/* A VPC's route table with both gateway endpoints' prefix lists: 20 routes. (0.0.0.0/0 as two halves: rte_lpm knows no /0.) */
static struct table vpc_table(void) {
    static const char *const lines[] = {
        "0.0.0.0/1",      "128.0.0.0/1",     "10.0.0.0/16",   "10.0.16.0/20",    "10.0.32.0/28",
        "10.0.32.16/28",  "10.1.0.0/16",     "10.2.0.0/16",   "10.3.0.0/16",     "172.31.0.0/16",
        "192.168.0.0/16", "52.216.0.0/15",   "54.231.0.0/17", "3.5.0.0/19",      "16.182.0.0/16",
        "18.34.0.0/19",   "52.94.0.0/22",    "52.119.224.0/20", "3.218.180.0/22", "169.254.169.254/32",
    };
    struct table table = {.count = sizeof lines / sizeof *lines};
    table.routes = zeroed(table.count, sizeof *table.routes);
    for (uint32_t i = 0; i < table.count; i++) {
        unsigned a, b, c, d, length;
        if (sscanf(lines[i], "%u.%u.%u.%u/%u", &a, &b, &c, &d, &length) != 5) exit(1);
        table.routes[i] = (struct route){a << 24 | b << 16 | c << 8 | d, (uint8_t)length, (uint16_t)i};
    }
    return table;
}

/* Prefixes whose lengths are spread about as in the internet's table: three in five are /24, none is longer. Duplicates may occur. */
static struct table internet_table(uint32_t count, uint32_t next_hops) {
    static const struct {
        uint8_t percent, length;
    } spread[] = {{60, 24}, {10, 23}, {11, 22}, {5, 21}, {5, 20}, {3, 19}, {2, 18}, {1, 17}, {2, 16}, {1, 14}};
    struct table table = {.count = count, .routes = zeroed(count, sizeof *table.routes)};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t drawn = random_below(100);
        unsigned kind = 0;
        while (drawn >= spread[kind].percent) drawn -= spread[kind++].percent;
        uint8_t length = spread[kind].length;
        uint32_t address = (1 + random_below(223)) << 24 | (uint32_t)random_bits() >> 8;
        table.routes[i] = (struct route){address & mask_of(length), length, (uint16_t)random_below(next_hops)};
    }
    return table;
}

static struct table named_table(const char *name) {
    if (!strcmp(name, "t20")) return vpc_table();
    if (!strcmp(name, "t1k")) return internet_table(1000, 16);
    if (!strcmp(name, "t900k")) return internet_table(900000, 100);
    fprintf(stderr, "no table %s: t20, t1k, t900k\n", name);
    exit(1);
}

static uint32_t within(const struct route *route) {
    return route->prefix | ((uint32_t)random_bits() & ~mask_of(route->length));
}

/* Of uniformly drawn routes, a random address each. */
static uint32_t *uniform_destinations(const struct table *table) {
    uint32_t *destinations = zeroed(DESTINATIONS, sizeof *destinations);
    for (uint32_t i = 0; i < DESTINATIONS; i++) destinations[i] = within(&table->routes[random_below(table->count)]);
    return destinations;
}

/* Of routes drawn by Zipf's law (exponent 1.1), one of eight addresses each. */
static inline uint32_t *zipf_destinations(const struct table *table) {
    uint32_t *destinations = zeroed(DESTINATIONS, sizeof *destinations);
    uint32_t(*hosts)[8] = zeroed(table->count, sizeof *hosts);
    double *sums = zeroed(table->count, sizeof *sums), total = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        sums[i] = total += pow(i + 1, -1.1);
        for (int k = 0; k < 8; k++) hosts[i][k] = within(&table->routes[i]);
    }
    for (uint32_t i = 0; i < DESTINATIONS; i++) {
        double drawn = (double)(random_bits() >> 11) * 0x1p-53 * total;
        uint32_t low = 0, high = table->count - 1;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (sums[middle] <= drawn) low = middle + 1;
            else high = middle;
        }
        destinations[i] = hosts[low][random_below(8)];
    }
    free(hosts);
    free(sums);
    return destinations;
}

/* How long one measurement takes. */
#define MEASURE_SECONDS 0.15

/* Waits for the next request; 0 at the end of the input. */
static int asked(void) {
    char line[64];
    fflush(stdout);
    return fgets(line, sizeof line, stdin) != NULL;
}
#endif
