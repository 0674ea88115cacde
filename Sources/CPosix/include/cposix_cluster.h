// Processes: fork and what belongs to it.
#pragma once
