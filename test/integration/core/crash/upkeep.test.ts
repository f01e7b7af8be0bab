import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { upkeepScenarios } from '../../../helpers/core/crash/scenarios/upkeep-scenarios.ts';

describeCrashes(upkeepScenarios);
