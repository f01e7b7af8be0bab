import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { upkeepScenarios } from '../../../helpers/core/crash/upkeep-scenarios.ts';

describeCrashes(upkeepScenarios);
