#include "port_test.h"
START_TEST(acquire) { if (!start_test()) return; }
