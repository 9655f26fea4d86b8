# What those who read an AppRelease make of it. Needs Go, as the test cluster does, but no cluster.
add_test(NAME readers COMMAND ${CMAKE_CURRENT_LIST_DIR}/run.sh $<TARGET_FILE:golden>)
set_tests_properties(readers PROPERTIES LABELS golden TIMEOUT 600)
