/* tests/unit/unit.h — Table-driven tests with CUnit: the row's name is in the failure.
 *
 *     static void the_earliest_due_time_wins(void)
 *     {
 *         CASE("empty", workq_next_due(q) == INT64_MAX);
 *     }
 *     UNIT_MAIN(UNIT_TEST(the_earliest_due_time_wins), UNIT_TEST(done_may_name_the_next_time)) */
#ifndef UNIT_H
#define UNIT_H
#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CASE(name, expr)                                                                           \
    CU_assertImplementation((expr) ? CU_TRUE : CU_FALSE, __LINE__, (name), __FILE__, "", CU_FALSE)

struct unit_test {
    const char *name;
    void (*run)(void);
};

/* Runs all, prints what failed, returns the exit code. */
static inline int unit_run(const struct unit_test *tests, size_t n)
{
    CU_pSuite suite;
    unsigned failures;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    suite = CU_add_suite("unit", NULL, NULL);
    for (size_t i = 0; i < n; i++)
        CU_add_test(suite, tests[i].name, tests[i].run);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    failures = CU_get_number_of_failures() + (CU_get_number_of_tests_run() != n);
    CU_cleanup_registry();
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_TEST(function)                                                                        \
    {                                                                                              \
#function, function                                                                        \
    }

#define UNIT_MAIN(...)                                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct unit_test tests[] = { __VA_ARGS__ };                                   \
                                                                                                   \
        return unit_run(tests, sizeof tests / sizeof tests[0]);                                    \
    }

#endif
